// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { effect } from '@preact/signals'
import { expect, test } from 'vitest'
import type { Update } from '../api/protocol'
import { equal, share } from '../api/share'
import { Objects, Sessions } from '../api/store'
import type { Session, Target, UIResource } from '../api/types'
import { Mirror } from './mirror'

const target = (name: string, active = '') =>
  ({ name, type: 'job', resources: [name], state: { active } }) as unknown as Target

let version = 0
const session = (name: string, targets: Target[], error?: string) =>
  ({
    metadata: { name, uid: name, resourceVersion: String(++version) },
    spec: { tiltfilePath: '/Tiltfile', exitCondition: 'ci' },
    status: { pid: 1, startTime: 't', done: false, targets, ...(error && { error }) },
  }) as unknown as Session

const resource = (name: string, of: string, title: string, order = 0) =>
  ({
    metadata: {
      name,
      uid: name,
      resourceVersion: String(++version),
      annotations: { 'session.tilt.dev/session': of, 'session.tilt.dev/resource': title },
    },
    status: { order, dependencies: ['x'] },
  }) as unknown as UIResource

/** hub is a store whose changes a Mirror gets as copies, as it does from another thread. */
function hub() {
  const sessions = new Sessions()
  const resources = new Objects<UIResource>()
  const mirror = new Mirror()
  let sent = 0
  let now = 0
  const send = () => {
    const update = { type: 'update', sessions: sessions.since(sent), resources: resources.since(sent) } as Update
    sent = now
    mirror.apply(structuredClone(update))
  }
  return { sessions, resources, mirror, next: () => ++now, send }
}

test('an unchanged target, and everything else that is unchanged, keeps its identity', () => {
  const { sessions, mirror, next, send } = hub()
  sessions.put(session('s', [target('a'), target('b'), target('c')]), next())
  send()
  const before = mirror.sessions.value.get('s')
  sessions.put(session('s', [target('a'), target('b', 'now'), target('c')]), next())
  send()
  const after = mirror.sessions.value.get('s')
  expect(after).not.toBe(before)
  expect(after?.spec).toBe(before?.spec)
  const same = after?.status?.targets.map((one, i) => one === before?.status?.targets[i])
  expect(same).toEqual([true, false, true])
  expect(after?.status?.targets[1]).toEqual(target('b', 'now'))
  sessions.put(session('s', [target('a'), target('b', 'now'), target('c')], 'failed'), next())
  send()
  const failed = mirror.sessions.value.get('s')
  expect(failed?.status?.error).toBe('failed')
  expect(failed?.status?.targets).toBe(after?.status?.targets)
})

test('targets come, go and change places', () => {
  const { sessions, mirror, next, send } = hub()
  const shown = () => mirror.sessions.value.get('s')?.status?.targets.map(({ name }) => name)
  for (const names of [['a', 'b'], ['b', 'a'], ['c', 'a'], [], ['a', 'a'], ['b']]) {
    sessions.put(
      session(
        's',
        names.map((name) => target(name)),
      ),
      next(),
    )
    send()
    expect(shown()).toEqual(names)
  }
})

test('a Session that another one has replaced, or that is gone, is so', () => {
  const { sessions, mirror, next, send } = hub()
  sessions.list([session('b', [target('x')]), session('a', [])], next())
  send()
  expect([...mirror.sessions.value.keys()]).toEqual(['a', 'b'])
  sessions.list([session('b', [target('y')])], next())
  send()
  expect([...mirror.sessions.value.keys()]).toEqual(['b'])
  expect(mirror.sessions.value.get('b')?.status?.targets[0]?.name).toBe('y')
  sessions.remove('b', next())
  sessions.put(session('b', []), next())
  send()
  expect(mirror.sessions.value.get('b')?.status?.targets).toEqual([])
})

test('a Mirror that was away gets everything that has changed since', () => {
  const { sessions, mirror, next, send } = hub()
  sessions.put(session('s', [target('a')]), next())
  send()
  sessions.put(session('s', [target('a', '1')]), next())
  sessions.put(session('t', [target('z')]), next())
  sessions.put(session('s', [target('a', '2'), target('b')]), next())
  sessions.remove('t', next())
  send()
  expect([...mirror.sessions.value.keys()]).toEqual(['s'])
  expect(mirror.sessions.value.get('s')?.status?.targets).toEqual([target('a', '2'), target('b')])
})

test('UIResources are by Session and by the name in the Tiltfile', () => {
  const { resources, mirror, next, send } = hub()
  const web = resource('s.web', 's', 'web')
  resources.list([web, resource('s.db', 's', 'db'), resource('t.web', 't', 'web')], next())
  const seen: string[][] = []
  const end = effect(() => {
    seen.push([...mirror.resources('s').value.keys()])
  })
  send()
  const other = mirror.resources('t').value
  const db = mirror.resources('s').value.get('db')
  resources.put(resource('s.web', 's', 'web', 3), next())
  send()
  expect(mirror.resources('s').value.get('web')?.status?.order).toBe(3)
  expect(mirror.resources('s').value.get('db')).toBe(db)
  expect(mirror.resources('t').value).toBe(other)
  resources.remove('s.db', next())
  send()
  end()
  expect(seen).toEqual([[], ['web', 'db'], ['web', 'db'], ['web']])
})

test('a list with the same versions changes nothing', () => {
  const resources = new Objects<UIResource>()
  const web = resource('web', 's', 'web')
  expect(resources.list([web], 1)).toBe(true)
  expect(resources.list([structuredClone(web)], 2)).toBe(false)
  expect(resources.since(1)).toBeUndefined()
  expect(resources.list([], 3)).toBe(true)
  expect(resources.since(1)).toEqual({ changed: [], removed: ['web'] })
})

test.each([
  [{ a: 1 }, { a: 1 }, true],
  [{ a: 1 }, { a: 1, b: undefined }, false],
  [{ a: 1, b: 2 }, { a: 1, c: 2 }, false],
  [[1, 2], [1, 2], true],
  [[1, 2], [1], false],
  [[], {}, false],
  [null, {}, false],
  [{ a: { b: [1, { c: null }] } }, { a: { b: [1, { c: null }] } }, true],
])('equal(%j, %j) is %s', (a, b, same) => {
  expect(equal(a, b)).toBe(same)
  if (same) expect(share(a as object, b as object)).toBe(a)
})
