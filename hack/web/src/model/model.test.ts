// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import type { Session, Target, UIResource } from '../api/types'
import { countTargets, filterRows, groupRows, type SortKey, sortRows } from './arrange'
import { failuresOf, waitingFor } from './failures'
import { age, duration, moment, percent } from './format'
import { compareRuns, durations, executionsOf } from './history'
import { criticalPath, needsOf } from './path'
import { rowsOf, whyChain } from './rows'
import { summarize, title } from './summary'
import { newRun, resourceOf, sessionOf, start, time } from './testdata/sessions'
import { compareNames, errorLine, plain } from './text'

function target(name: string, state: Target['state'], more: Partial<Target> = {}): Target {
  const resource = name.slice(0, name.lastIndexOf(':'))
  return { name, type: name.endsWith(':serve') ? 'server' : 'job', resources: [resource], state, ...more }
}

const done = (from: number, to: number, error = '') => ({
  terminated: { startTime: time(from), finishTime: time(to), error },
})
const waits = (on: string[], waitReason = 'waiting-for-dep') => ({ waiting: { waitReason, on, since: time(1) } })

const shop = () =>
  sessionOf([
    target('api:serve', { active: { startTime: time(4), ready: true, lastReadyTime: time(5) } }, { restartCount: 1 }),
    target('api:update', done(2, 4)),
    target('db:update', done(1, 9, 'exit status 3')),
    target('docs:update', { disabled: {} }),
    target('smoke:update', waits(['web:update'])),
    target('tool:update', {}),
    target('web:update', waits(['db:update'])),
  ])

const resources = () =>
  new Map<string, UIResource>([
    ['web', resourceOf('web', ['api', 'db'], ['front', 'shop'], 1)],
    ['api', resourceOf('api', [], ['shop'], 2)],
    ['db', resourceOf('db', [], ['data'], 3)],
    ['smoke', resourceOf('smoke', ['web'], [], 4)],
    ['tool', resourceOf('tool', [], [], 5)],
    ['docs', resourceOf('docs', [], ['front'], 6)],
  ])

test.each<[SortKey, boolean, string]>([
  ['failed', false, 'db web smoke api tool docs'],
  ['order', false, 'web api db smoke tool docs'],
  ['name', false, 'api db docs smoke tool web'],
  ['name', true, 'web tool smoke docs db api'],
  ['duration', true, 'db api web smoke tool docs'],
  ['restarts', true, 'api web db smoke tool docs'],
  ['time', true, 'web smoke db api tool docs'],
])('sorted by %s, descending %s: %s', (key, descending, want) => {
  const rows = sortRows(rowsOf(shop(), resources()).list, key, descending, start + 60_000)
  expect(rows.map(({ name }) => name).join(' ')).toBe(want)
})

test.each([
  ['none', ': web api db smoke tool | disabled: docs'],
  ['label', 'label:data: db | label:front: web | label:shop: api | : smoke tool | disabled: docs'],
  ['state', 'state:failed: db | state:waiting: web smoke | state:ready: api | state:inactive: tool | disabled: docs'],
  ['type', 'type:local: web api db smoke tool | disabled: docs'],
] as const)('grouped by %s', (by, want) => {
  const all = sortRows(rowsOf(shop(), resources()).list, 'order')
  const groups = groupRows(all, by)
  expect(groups.map(({ key, rows }) => `${key}: ${rows.map(({ name }) => name).join(' ')}`).join(' | ')).toBe(want)
  expect(groups.filter(({ collapsed }) => collapsed).map(({ key }) => key)).toEqual(['disabled'])
  const total = countTargets(all)
  for (const [phase, count] of Object.entries(total)) {
    expect(groups.reduce((sum, { counts }) => sum + counts[phase as keyof typeof total], 0)).toBe(count)
  }
})

test.each([
  [{ text: 'WEB' }, 'web smoke'],
  [{ text: 'wait -smoke' }, 'web'],
  [{ text: '-' }, ''],
  [{ labels: ['shop'] }, 'web api'],
  [{ phases: ['succeeded' as const] }, 'api'],
  [{ text: 'exit 3' }, 'db'],
  [{ text: 'exit code' }, ''],
  [{ text: 'failed data' }, 'db'],
])('filtered by %j', (filter, want) => {
  const rows = filterRows(sortRows(rowsOf(shop(), resources()).list, 'order'), filter)
  expect(rows.map(({ name }) => name).join(' ')).toBe(want)
})

test('a row that says the same stays the same, and one that waits for a row follows its state', () => {
  const session = shop()
  const before = rowsOf(session, resources())
  const map = new Map([...before.byName].map(([name, row]) => [name, row.resource as UIResource]))
  const targets = session.status.targets.map((t) => (t.name === 'db:update' ? target(t.name, done(1, 9)) : t))
  const after = rowsOf({ ...session, status: { ...session.status, targets } }, map, before)
  const changed = after.list.filter((row) => row !== before.byName.get(row.name)).map(({ name }) => name)
  expect(changed).toEqual(['db', 'web'])
  expect(after.byName.get('web')?.why).toBe('← db (succeeded)')
  const ended = rowsOf({ ...session, status: { ...session.status, done: true } }, map, before)
  expect(ended.byName.get('api')).toBe(before.byName.get('api'))
})

test('what a row says besides its state', () => {
  const rows = rowsOf(shop(), resources())
  expect(rows.byName.get('api')).toMatchObject({ restarts: 1, labels: ['shop'], type: 'local', order: 2, took: 2000 })
  const smoke = rows.byName.get('smoke')
  expect(smoke && whyChain(rows, smoke).map(({ name }) => name)).toEqual(['smoke', 'web', 'db'])
  expect(rowsOf(shop()).byName.get('api')).toMatchObject({ type: 'server', labels: [], links: [] })
})

test('failures and what waits for them', () => {
  const { status } = shop()
  const [failure, ...rest] = failuresOf(status)
  expect(rest).toEqual([])
  expect(failure).toMatchObject({
    row: 'db',
    took: 8000,
    line: 'exit status 3',
    heldBack: ['smoke:update', 'web:update'],
  })
  expect(waitingFor(status, ['web:update'])).toEqual(['smoke:update'])
  // What was never requested doesn't wait.
  const idle = sessionOf([...status.targets, target('zz:update', {})])
  expect(failuresOf(idle.status)[0]?.heldBack).not.toContain('zz:update')
})

test('needs are the targets of dependencies', () => {
  const { status } = shop()
  const needs = needsOf(status, resources())
  expect(needs?.('web:update')).toEqual(['api:serve', 'api:update', 'db:update'])
  expect(needs?.('api:serve')).toEqual(['api:update'])
  expect(needsOf(status, new Map())).toBeUndefined()
  const run = newRun(200, 300, 5)
  const path = criticalPath(run.session.status, needsOf(run.session.status, run.resources), start + 60_000)
  expect(path.length).toBeGreaterThan(1)
  expect(path.slice(1).map(({ from }) => from)).toEqual(path.slice(0, -1).map(({ to }) => to))
})

test.each([
  [shop(), '✗1 … 2/5 – demo'],
  [sessionOf([target('a:update', done(0, 1))], { done: true }), '✓ 1/1 – demo'],
  [sessionOf([target('a:update', done(0, 1))], { done: true, error: 'Timeout' }), '✗ 1/1 – demo'],
  [sessionOf([]), '0/0 – demo'],
] as [Session, string][])('title %#', (session, want) => {
  expect(title(summarize(session, start))).toBe(want)
})

test('executions, their durations and how they compare', () => {
  const build = (n: number, from: number, to: number, more = {}) => ({
    spanID: `build:a:${n}`,
    startTime: time(from),
    finishTime: time(to),
    ...more,
  })
  const resource = resourceOf('a', [], [], 1)
  resource.status.currentBuild = { startTime: time(30), spanID: 'build:a:9', reason: 'files', changedFiles: ['/x'] }
  const failed = build(8, 20, 23, { error: 'exit status 1', exitCode: 1, reason: 'retry', attempt: 1 })
  resource.status.buildHistory = [failed, build(7, 10, 12, { reason: 'initial' })]
  const all = executionsOf(resource)
  expect(all.map(({ n, reason, took }) => [n, reason, took])).toEqual([
    [9, 'files changed', -1],
    [8, 'retry', 3000],
    [7, 'first run', 2000],
  ])
  expect(durations(all)).toEqual([
    { ms: 2000, failed: false },
    { ms: 3000, failed: true },
  ])
  const [current, later, earlier] = all
  if (!current || !later || !earlier) throw new Error('executions are missing')
  expect(compareRuns(later, earlier)).toBe('1s longer (+50 %)')
  expect(compareRuns(earlier, later)).toBe('1s shorter (−33 %)')
  expect(compareRuns(later, later)).toBe('as long')
  expect(compareRuns(current, later)).toBe('')
  expect(executionsOf(undefined)).toEqual([])
})

test.each([
  ['\u001b[31mred\u001b[0m\u0000 text', 'red text'],
  ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u0007', 'link'],
  ['10 %\r20 %\r', '20 %'],
  ['\u001b(Bx\u001b7y\u001b', 'xy'],
  ['\u001b[31', ''],
  ['\u001b]0;no end', '0;no end'],
  ['a\u202eb\u2066c', 'abc'],
  ['\u001bä', 'ä'],
  ['half \u001b[3', 'half'],
  ['\ufffdok', 'ok'],
])('plain %j', (line, want) => {
  expect(plain(line)).toBe(want)
})

test('the main line of an error', () => {
  expect(errorLine('\nfirst \nsecond')).toBe('first ')
  expect(errorLine('Traceback (most recent call last):\n  /T:1:1: in f\nError: a\n b')).toBe('Error: a')
})

test('names are in the order of their bytes', () => {
  expect(['😀', 'ﬀ', 'b', 'ab', 'a'].sort(compareNames)).toEqual(['a', 'ab', 'b', 'ﬀ', '😀'])
})

test('moments have microseconds, and none is 0', () => {
  expect(moment('2026-03-04T05:06:07.123456Z') - moment('2026-03-04T05:06:07.123Z')).toBeCloseTo(0.456, 3)
  for (const none of ['', null, undefined, '0001-01-01T00:00:00Z', 'never']) expect(moment(none)).toBe(0)
})

test.each([
  [-5000, '<invalid>'],
  [-1000, '0s'],
  [0, '0s'],
  [119_999, '119s'],
  [120_000, '2m'],
  [150_000, '2m30s'],
  [600_000, '10m'],
  [10_799_000, '179m'],
  [10_800_000, '3h'],
  [11_100_000, '3h5m'],
  [28_800_000, '8h'],
  [180_000_000, '2d2h'],
  [691_200_000, '8d'],
  [63_072_000_000, '2y'],
  [66_700_800_000, '2y42d'],
  [260_000_000_000, '8y'],
])('an age of %i ms: %s', (ms, want) => {
  expect(age(ms)).toBe(want)
})

test('parts of a whole', () => {
  expect([percent(1, 3), percent(1, 200), percent(0, 5), percent(1, 0)]).toEqual(['33 %', '< 1 %', '0 %', '0 %'])
  expect(duration(-1)).toBe('')
})
