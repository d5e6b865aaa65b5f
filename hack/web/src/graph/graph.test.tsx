// @vitest-environment happy-dom
// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { signal } from '@preact/signals'
import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Target } from '../api/types'
import { AppContext } from '../app'
import { appOf, newRun, type Run, resourceOf, sessionOf, time } from '../model/testdata/sessions'
import type { Availability } from '../state/state'
import GraphView from './index'
import { type LayoutInput, layOut } from './layout'

/** TestWorker lays out as the worker does, in the thread of the test. */
class TestWorker extends EventTarget {
  static layouts = 0
  static broken = false

  constructor() {
    super()
    if (TestWorker.broken) queueMicrotask(() => this.dispatchEvent(new Event('error')))
  }

  postMessage({ id, input }: { id: number; input: LayoutInput }) {
    if (TestWorker.broken) return
    TestWorker.layouts++
    queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data: { id, layout: layOut(input) } })))
  }

  terminate() {}
}

let root: HTMLElement

beforeEach(() => {
  vi.stubGlobal('Worker', TestWorker)
  TestWorker.layouts = 0
  TestWorker.broken = false
  root = document.body.appendChild(document.createElement('div'))
})

afterEach(() => {
  render(null, root)
  root.remove()
  vi.unstubAllGlobals()
})

async function draw(run: { value: Run }, ui: Availability = 'served') {
  const app = appOf(run, 60, ui)
  const View = () => (
    <AppContext.Provider value={app}>
      <GraphView session={run.value.session} />
    </AppContext.Provider>
  )
  await act(() => render(<View />, root))
}

async function show(run: { value: Run }, ui?: Availability) {
  await draw(run, ui)
  await vi.waitFor(() => expect(nodes().length).toBeGreaterThan(0))
}

const nodes = () => [...root.querySelectorAll<SVGAElement>('.graph-node')]
const node = (id: string) => nodes().find((element) => element.dataset.node === id)
const press = (key: string) =>
  act(() => {
    document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
  })
/** activate is what Enter does. */
const activate = (id: string) =>
  act(() => {
    node(id)?.dispatchEvent(new MouseEvent('click', { detail: 0, bubbles: true, cancelable: true }))
  })
const click = (text: string) =>
  act(() => [...root.querySelectorAll('button')].find((button) => button.textContent === text)?.click())

test('a node says in words what it shows, and one of them is reached by Tab', async () => {
  const run = signal(newRun(12, 14, 3))
  await show(run)
  expect(nodes()).toHaveLength(12)
  expect(nodes().filter((element) => element.getAttribute('tabindex') === '0')).toHaveLength(1)
  for (const element of nodes()) {
    const id = element.dataset.node ?? ''
    expect(element.getAttribute('href')).toBe(`#/s/demo/r/${encodeURIComponent(id)}`)
    expect(element.getAttribute('aria-label')).toMatch(new RegExp(`^${id} (ready|running|waiting|succeeded|failed)`))
  }
})

test('another state changes a node, but lays out nothing anew', async () => {
  const run = signal(newRun(12, 14, 3))
  await show(run)
  const id = nodes().find((element) => element.classList.contains('ok'))?.dataset.node ?? ''
  const targets = run.value.session.status.targets.map((t) =>
    t.resources[0] === id ? { ...t, state: { waiting: { waitReason: 'retrying' } } } : t,
  )
  const { session, resources } = run.value
  await act(() => {
    run.value = { resources, session: { ...session, status: { ...session.status, targets } } }
  })
  expect(node(id)?.getAttribute('aria-label')).toContain('waiting, for its retry')
  expect(TestWorker.layouts).toBe(1)
  await click('Group by label')
  await vi.waitFor(() => expect(TestWorker.layouts).toBe(2))
})

test('arrow keys follow the edges and Enter opens', async () => {
  const run = signal(newRun(12, 14, 3))
  await show(run)
  const first = nodes().find((element) => element.getAttribute('tabindex') === '0')
  await act(() => first?.focus())
  await press('ArrowRight')
  const second = (document.activeElement as HTMLElement).dataset.node ?? ''
  expect([...(run.value.resources.get(second)?.status.dependencies ?? [])]).toContain(first?.dataset.node)
  await press('ArrowLeft')
  expect(run.value.resources.get(second)?.status.dependencies).toContain(
    (document.activeElement as HTMLElement).dataset.node,
  )
  await activate(second)
  expect(location.hash).toBe(`#/s/demo/r/${encodeURIComponent(second)}`)
})

test('plus, minus and 0 change the size', async () => {
  await show(signal(newRun(12, 14, 3)))
  const scale = () =>
    Number(/scale\((.*)\)/.exec(root.querySelector('.graph-view > g')?.getAttribute('transform') ?? '')?.[1])
  await act(() => nodes()[0]?.focus())
  const before = scale()
  await press('+')
  expect(scale()).toBeCloseTo(before * 1.25)
  await press('-')
  expect(scale()).toBeCloseTo(before)
  await press('0')
  expect(scale()).toBeLessThanOrEqual(1)
})

test('a drag moves what is larger than its view, and the next click opens', async () => {
  await show(signal(newRun(30, 42, 3)))
  const view = root.querySelector('.graph-view')
  const at = () => root.querySelector('.graph-view > g')?.getAttribute('transform')
  const pointer = (type: string, x: number) =>
    act(() => {
      view?.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: 9, pointerId: 1, bubbles: true }))
    })
  await act(() => nodes()[0]?.focus())
  for (let i = 0; i < 5; i++) await press('+')
  const before = at()
  await pointer('pointerdown', 400)
  await pointer('pointermove', 300)
  await pointer('pointerup', 300)
  expect(at()).not.toBe(before)
  // It ended elsewhere, so that no click of it came.
  const id = nodes()[0]?.dataset.node ?? ''
  await activate(id)
  expect(location.hash).toBe(`#/s/demo/r/${encodeURIComponent(id)}`)
})

test('what waits shows its chain, with links', async () => {
  await show(signal(newRun(30, 42, 3)))
  await act(() => node('billing-2')?.focus())
  expect(root.querySelectorAll('.graph-node.chain').length).toBeGreaterThan(1)
  expect(root.querySelectorAll('.graph-edge.chain').length).toBeGreaterThan(0)
  expect(root.querySelector('.graph-details')?.textContent).toMatch(
    /billing-2 waiting: ← .*Needs .*; needed by nothing/,
  )
})

test('many resources are one node for each label, and a label opens', async () => {
  await show(signal(newRun(100, 120, 3)))
  expect(nodes().map((element) => element.dataset.node)).toEqual([
    'label ',
    'label data',
    'label edge',
    'label shop',
    'label tools',
  ])
  await activate('label data')
  await vi.waitFor(() => expect(nodes()).toHaveLength(24))
})

test('without UIResources the edges are what was waited for, and a line says so', async () => {
  await show(signal(newRun(12, 14, 3)), 'absent')
  expect(root.textContent).toContain("doesn't serve UIResources")
  expect(root.querySelectorAll('.graph-edge').length).toBeGreaterThan(0)
})

test('the table says the same', async () => {
  const run = signal(newRun(12, 14, 3))
  await show(run)
  await click('As a table')
  const rows = [...root.querySelectorAll('tbody tr')]
  expect(rows).toHaveLength(12)
  for (const row of rows) {
    const name = row.querySelector('th')?.textContent ?? ''
    const links = [...row.querySelectorAll('td:nth-child(3) a')].map((a) => a.textContent)
    expect(links.sort()).toEqual([...(run.value.resources.get(name)?.status.dependencies ?? [])].sort())
  }
})

test('without a worker the table is there', async () => {
  TestWorker.broken = true
  await draw(signal(newRun(12, 14, 3)))
  await vi.waitFor(() => expect(root.querySelectorAll('tbody tr')).toHaveLength(12))
})

test('images say that what they are built on is not known', async () => {
  const image = (name: string): Target => ({
    name,
    type: 'job',
    resources: ['web'],
    state: { terminated: { startTime: time(1), finishTime: time(2) } },
  })
  const session = sessionOf([image('image:shop/base'), image('image:shop/web')])
  await show(signal({ session, resources: new Map([['web', resourceOf('web', ['image:shop/web'], [], 1)]]) }))
  expect(root.querySelector('.graph-note + .graph-note, .graph > .graph-note')?.textContent).toContain("isn't known")
  await act(() => node('image:shop/web')?.focus())
  expect(root.querySelector('.graph-details')?.textContent).toContain('Needs nothing that is known')
})

test('what turns the direction of text is spelt out', async () => {
  const target: Target = {
    name: '\u202egnp:update',
    type: 'job',
    resources: ['\u202egnp'],
    state: { terminated: { startTime: time(1), finishTime: time(2), error: '\u202eon' } },
  }
  const turned = () =>
    [...root.querySelectorAll<HTMLElement>('*')].filter((e) =>
      /\u202e/.test(`${e.textContent}${e.getAttribute('aria-label')}`),
    )
  await show(signal({ session: sessionOf([target]), resources: new Map([['\u202egnp', resourceOf('g', [], [], 1)]]) }))
  expect(root.querySelector('.graph-name')?.textContent).toBe('⟨U+202E⟩gnp')
  await act(() => nodes()[0]?.focus())
  expect(turned()).toEqual([])
  await click('As a table')
  expect(turned()).toEqual([])
})
