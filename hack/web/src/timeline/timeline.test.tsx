// @vitest-environment happy-dom
// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { signal } from '@preact/signals'
import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Target, UIResource } from '../api/types'
import { AppContext } from '../app'
import { appOf, newRun, type Run, resourceOf, sessionOf, start, time } from '../model/testdata/sessions'
import { barsOf } from './bars'
import TimelineView from './index'
import { eventful, linesOf, sortLines, wholeOf } from './lines'
import { moved, part, ticks, zoomed } from './scale'

const span = (bars: ReturnType<typeof barsOf>) =>
  bars.list.map(({ segments }) =>
    segments
      .map((s) => `${s.kind} ${(s.from - start) / 1000}-${s.to && (s.to - start) / 1000}${s.failed ? ' failed' : ''}`)
      .join(', '),
  )

const base = { resources: ['a'], type: 'job' as const }

test.each<[string, Target, UIResource['status']['buildHistory'], string[], number]>([
  [
    'a job by its times',
    {
      ...base,
      name: 'a:update',
      state: { terminated: { startTime: time(3), finishTime: time(5) } },
      times: { queuedTime: time(1), allowedTime: time(2), startTime: time(3), readyTime: time(5), finishTime: time(5) },
    },
    undefined,
    ['dependency 1-2, slot 2-3, update 3-5'],
    0,
  ],
  [
    'a job by its history, with a retry',
    { ...base, name: 'a:update', state: { terminated: { startTime: time(7), finishTime: time(8) } } },
    [
      { startTime: time(7), finishTime: time(8), attempt: 1, reason: 'retry' },
      { startTime: time(2), finishTime: time(4), queuedTime: time(1), allowedTime: time(2), error: 'exit status 1' },
    ],
    ['dependency 1-2, update 2-4 failed', 'retry 4-7, update 7-8'],
    1,
  ],
  [
    'a server that was started again',
    {
      ...base,
      name: 'a:serve',
      type: 'server',
      restartCount: 1,
      state: { active: { startTime: time(9), ready: true } },
      times: { queuedTime: time(1), allowedTime: time(1), startTime: time(2), readyTime: time(3) },
    },
    undefined,
    ['slot 1-2, starting 2-3, serving 3-0'],
    1,
  ],
  [
    'a server that failed before it was ready',
    {
      ...base,
      name: 'a:serve',
      type: 'server',
      state: { terminated: { startTime: time(2), finishTime: time(4), error: 'no' } },
      times: { queuedTime: time(2), allowedTime: time(2), startTime: time(2), finishTime: time(4) },
    },
    undefined,
    ['starting 2-4 failed'],
    0,
  ],
  [
    'what waits for its turn',
    {
      ...base,
      name: 'a:update',
      state: { waiting: { waitReason: 'waiting-for-slot', since: time(1) } },
      times: { queuedTime: time(1), allowedTime: time(4) },
    },
    undefined,
    ['dependency 1-4, slot 4-0'],
    0,
  ],
  [
    'what waits for a person',
    { ...base, name: 'a:update', state: { waiting: { waitReason: 'pending-trigger', since: time(1) } } },
    undefined,
    [],
    0,
  ],
])('bars of %s', (_, target, history, want, restarts) => {
  const resource = resourceOf('a', ['db'], [], 1)
  if (history) resource.status.buildHistory = history
  const bars = barsOf(target, resource)
  expect(span(bars)).toEqual(want)
  expect(bars.restarts).toHaveLength(restarts)
})

test('what needs nothing waits for its turn', () => {
  const times = { queuedTime: time(1), allowedTime: time(2), startTime: time(3), readyTime: time(4) }
  const state = { active: { startTime: time(3), ready: true } }
  const server: Target = { ...base, name: 'a:serve', type: 'server', state, times }
  const resource = resourceOf('a', [], [], 1)
  expect(span(barsOf(server, resource))).toEqual(['slot 1-3, starting 3-4, serving 4-0'])
  resource.status.updateCommand = 'make'
  expect(span(barsOf(server, resource))).toEqual(['dependency 1-2, slot 2-3, starting 3-4, serving 4-0'])
})

test('a span is zoomed about a moment, moves, and stays within the whole', () => {
  const whole = { from: 0, to: 1000 }
  expect(zoomed({ from: 0, to: 1000 }, 0.5, 250, whole)).toEqual({ from: 125, to: 625 })
  expect(zoomed({ from: 100, to: 200 }, 100, 150, whole)).toEqual(whole)
  expect(moved({ from: 100, to: 200 }, 1, whole)).toEqual({ from: 200, to: 300 })
  expect(moved({ from: 850, to: 950 }, 5, whole)).toEqual({ from: 900, to: 1000 })
  expect(moved({ from: 50, to: 150 }, -5, whole)).toEqual({ from: 0, to: 100 })
  expect(part(-100, 500, whole)).toEqual({ left: 0, width: 50 })
  expect(part(1100, 1200, whole)).toBeUndefined()
  expect(ticks({ from: 100, to: 5100 }, 100, 5)).toEqual([100, 1100, 2100, 3100, 4100, 5100])
  expect(ticks({ from: 0, to: 400 * 86_400_000 }, 0, 5).length).toBeLessThan(8)
})

test('lines are sorted by start, duration and dependencies, and what only serves or waits isn’t eventful', () => {
  const { session, resources } = newRun(60, 80, 4)
  const lines = linesOf(session.status, resources)
  const begun = sortLines(lines, 'start', undefined, start + 60_000).map(({ bars }) => bars.begun || Infinity)
  expect(begun).toEqual([...begun].sort((a, b) => a - b))
  const needs = (name: string) => (name === 'auth:update' ? ['web:update'] : [])
  const graph = sortLines(lines, 'graph', needs, start).map(({ target }) => target.name)
  expect(graph.indexOf('web:update')).toBeLessThan(graph.indexOf('auth:update'))
  expect(graph[0]).toBe('tiltfile:update')
  const served = sessionOf([
    {
      ...base,
      name: 'a:serve',
      type: 'server',
      state: { active: { startTime: time(1), ready: true } },
      times: { queuedTime: time(1), allowedTime: time(1), startTime: time(1), readyTime: time(4) },
    },
  ])
  const one = linesOf(served.status, new Map())
  const whole = wholeOf(served, one, start + 3_600_000)
  expect(whole).toEqual({ from: start, to: start + 3_600_000 })
  expect(eventful(one, whole).to).toBeLessThan(start + 5000)
})

let root: HTMLElement

beforeEach(() => {
  root = document.body.appendChild(document.createElement('div'))
})

afterEach(() => {
  render(null, root)
  root.remove()
})

async function show(run: { value: Run }) {
  const app = appOf(run, 25)
  const View = () => (
    <AppContext.Provider value={app}>
      <TimelineView session={run.value.session} />
    </AppContext.Provider>
  )
  await act(() => render(<View />, root))
}

const job = (resource: string, from: number, to: number): Target => ({
  name: `${resource}:update`,
  type: 'job',
  resources: [resource],
  state: { terminated: { startTime: time(from), finishTime: time(to) } },
  times: {
    queuedTime: time(from),
    allowedTime: time(from),
    startTime: time(from),
    readyTime: time(to),
    finishTime: time(to),
  },
})

const shown = () => [...root.querySelectorAll<HTMLElement>('.timeline-line')]
const press = (key: string) =>
  act(() => {
    document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
  })

test('of 1,000 targets only those that can be seen are there', async () => {
  const run = signal(newRun(800, 900, 3))
  expect(run.value.session.status.targets.length).toBeGreaterThan(1000)
  await show(run)
  expect(shown().length).toBeGreaterThan(10)
  expect(shown().length).toBeLessThan(40)
  expect(Number(shown()[0]?.getAttribute('aria-setsize'))).toBe(run.value.session.status.targets.length)
})

test('arrow keys move along the lines and in time', async () => {
  await show(signal(newRun(30, 42, 3)))
  await act(() => root.querySelector<HTMLElement>('.timeline-line a')?.focus())
  expect(root.querySelector('.timeline-details')?.textContent).toContain('tiltfile:update succeeded')
  await press('ArrowDown')
  const name = root.querySelector('.timeline-line.chosen .timeline-name a')?.textContent
  expect(shown()[1]?.textContent).toContain(name)
  expect(root.querySelector('.timeline-details')?.textContent).toMatch(/runs \d+(\.\d)?s, .* – /)
  const width = () => root.querySelector<HTMLElement>('.timeline-line .timeline-part')?.style.width
  const before = width()
  await press('+')
  expect(width()).not.toBe(before)
  await press('-')
  await press('0')
  await press('ArrowRight')
  expect(root.querySelectorAll('.timeline-line a[tabindex="0"]')).toHaveLength(1)
})

test('the critical path is a text with shares, and a mark of its lines', async () => {
  await show(signal(newRun(30, 42, 3)))
  const steps = [...root.querySelectorAll('.timeline-path li')].map((li) => li.textContent ?? '')
  expect(steps[0]).toMatch(/^\(Tiltfile\) \d+ % /)
  const sum = steps.reduce((all, text) => all + Number(/ (\d+) %/.exec(text)?.[1] ?? 0), 0)
  expect(sum).toBeGreaterThan(95)
  expect(sum).toBeLessThan(105)
  expect(root.querySelectorAll('.timeline-line.critical').length).toBe(steps.length)
})

test('the shares of a run that goes on are those of its critical path', async () => {
  const targets: Target[] = [
    job('a', 0, 3),
    { ...job('b', 3, 4), times: { ...job('b', 3, 4).times, queuedTime: time(0) } },
  ]
  const needs = (name: string, on: string[]) => [name, resourceOf(name, on, [], 1)] as const
  const resources = new Map([needs('a', []), needs('b', ['a'])])
  const text = () => root.querySelector('.timeline-path')?.textContent
  await show(signal({ session: sessionOf(targets), resources }))
  expect(text()).toBe('Critical path: 4sa 75 % 3sb 25 % 1s')
  const conditions = [
    { type: 'Succeeded', status: 'True', reason: 'Succeeded', lastTransitionTime: time(8), message: '' },
  ]
  await show(signal({ session: sessionOf(targets, { done: true, conditions }), resources }))
  expect(text()).toBe('Critical path: 4s of 8sa 38 % 3sb 13 % 1s')
})

test('a failure has a sign and a word, and the table says the same', async () => {
  await show(signal(newRun(30, 42, 3)))
  const failed = root.querySelector('.timeline-line .timeline-part.failed')?.closest('li')
  expect(failed?.querySelector('.timeline-cross')?.textContent).toBe('✗')
  expect(failed?.querySelector('a')?.getAttribute('aria-label')).toMatch(/, failed, took /)
  const count = Number(failed?.getAttribute('aria-setsize'))
  await act(() => [...root.querySelectorAll('button')].find((b) => b.textContent === 'As a table')?.click())
  expect(root.querySelectorAll('tbody tr')).toHaveLength(count)
  expect(root.querySelector('tbody')?.textContent).toContain('✗ failed')
})

test('a line for now is there as long as the run goes on', async () => {
  const run = signal(newRun(5, 4, 3))
  await show(run)
  await act(() => [...root.querySelectorAll('button')].find((b) => b.textContent === 'All')?.click())
  expect(root.querySelector('.timeline-now')).not.toBeNull()
  const { session, resources } = run.value
  await act(() => {
    run.value = { resources, session: { ...session, status: { ...session.status, done: true } } }
  })
  expect(root.querySelector('.timeline-now')).toBeNull()
})

test('what went on when the run ended was stopped then', async () => {
  const target: Target = {
    name: 'a:update',
    type: 'job',
    resources: ['a'],
    state: { active: { startTime: time(1), ready: false } },
    times: { startTime: time(1) },
  }
  const conditions = [{ type: 'Failed', status: 'True', reason: 'Timeout', lastTransitionTime: time(9), message: '' }]
  const session = sessionOf([target], { done: true, conditions })
  await show(signal({ session, resources: new Map() }))
  expect(root.querySelector('.timeline-line a')?.getAttribute('aria-label')).toBe(
    'a, stopped, took 8s, on the critical path',
  )
  expect(root.querySelector('.timeline-track')?.getAttribute('aria-label')).not.toContain('now')
  expect(root.querySelector('.timeline-part.open')).toBeNull()
})

test('the legend names what there is', async () => {
  const run = newRun(30, 42, 3)
  const targets = run.session.status.targets.filter(({ state, name }) => state.terminated && !name.endsWith(':serve'))
  const calm = targets.filter(({ state }) => !state.terminated?.error)
  await show(signal({ ...run, session: sessionOf(calm) }))
  const words = () => [...root.querySelectorAll('.timeline-legend li')].map((li) => li.textContent)
  expect(words()).toEqual(['waits for dependencies', 'waits for its turn', 'runs', 'critical path'])
  await show(signal({ ...run, session: sessionOf(targets) }))
  expect(words()).toContain('fails ✗')
})

test('images are in the order of their starts', () => {
  const image = (name: string, from: number): Target => ({
    name: `image:${name}`,
    type: 'job',
    resources: ['web'],
    state: { terminated: { startTime: time(from), finishTime: time(from + 1) } },
    times: { startTime: time(from), finishTime: time(from + 1) },
  })
  const { status } = sessionOf([image('a', 3), image('b', 1), image('c', 2)])
  const all = () => status.targets.map(({ name }) => name)
  const sorted = sortLines(linesOf(status, new Map()), 'graph', all, start)
  expect(sorted.map(({ row }) => row)).toEqual(['image:b', 'image:c', 'image:a'])
})

test('what turns the direction of text is spelt out', async () => {
  const session = sessionOf([job('\u202egnp', 0, 3)])
  const turned = () =>
    [...root.querySelectorAll<HTMLElement>('*')].filter((e) =>
      /\u202e/.test(`${e.textContent}${e.title}${e.getAttribute('aria-label')}`),
    )
  await show(signal({ session, resources: new Map() }))
  expect(root.querySelector('.timeline-name a')?.textContent).toBe('⟨U+202E⟩gnp')
  await act(() => root.querySelector<HTMLElement>('.timeline-line a')?.focus())
  expect(turned()).toEqual([])
  await act(() => [...root.querySelectorAll('button')].find((b) => b.textContent === 'As a table')?.click())
  expect(turned()).toEqual([])
})
