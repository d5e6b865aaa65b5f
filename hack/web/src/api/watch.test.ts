// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ServerResponse } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { Client } from './client'
import { answer, Collected, type Handler, line, TestServer } from './testserver'
import { type Health, type Stored, type Timing, Watch } from './watch'

const quick: Timing = { silence: 5_000, refused: 10, random: () => 0 }
const cleanup: (() => unknown)[] = []

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

interface Seen {
  list?: string[]
  type?: string
  name?: string | undefined
  health?: Health
}

async function watch(handler: Handler, timing = quick, prefix = '') {
  const server = await TestServer.start(handler, prefix)
  const seen = new Collected<Seen>()
  const running = new AbortController()
  const kind = new Watch<Stored>(
    new Client(server.page),
    'sessions',
    {
      list: (objects) => seen.add({ list: objects.map((object) => object.metadata?.name ?? '') }),
      change: (type, object) => seen.add({ type, name: object.metadata?.name }),
      health: (health) => seen.add({ health }),
    },
    timing,
  )
  const run = kind.run(running.signal)
  cleanup.push(async () => {
    running.abort()
    await run
    await server.stop()
  })
  return { server, seen, kind }
}

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } })
const list = (version: string, ...names: string[]) => ({
  metadata: { resourceVersion: version },
  items: names.map((name) => object(name, version)),
})
const isWatch = (path: URL) => path.searchParams.get('watch') === 'true'
const events = (all: Seen[]) => all.filter((one) => one.type || one.list)

test('lists, then watches from the version of the list', async () => {
  const { server, seen } = await watch((path, response) => {
    if (!isWatch(path)) return answer(response, list('5', 'a'))
    line(response, { type: 'ADDED', object: object('b', '6') })
    line(response, { type: 'BOOKMARK', object: object('', '7') })
    line(response, { type: 'DELETED', object: object('a', '8') })
  })
  await seen.until((all) => events(all).length === 3)
  expect(events(seen.all)).toEqual([{ list: ['a'] }, { type: 'ADDED', name: 'b' }, { type: 'DELETED', name: 'a' }])
  expect(server.paths).toEqual(['sessions', 'sessions?watch=true&allowWatchBookmarks=true&resourceVersion=5'])
})

test('continues at the last version, which a bookmark may tell, when the server ends the stream', async () => {
  let watches = 0
  const { server, seen } = await watch((path, response) => {
    if (!isWatch(path)) return answer(response, list('5', 'a'))
    if (++watches > 1) return line(response, { type: 'MODIFIED', object: object('a', '10') })
    line(response, { type: 'BOOKMARK', object: object('', '9') })
    response.end()
  })
  await seen.until((all) => all.some((one) => one.type === 'MODIFIED'))
  expect(server.paths.filter((path) => path === 'sessions')).toHaveLength(1)
  expect(server.paths.at(-1)).toContain('resourceVersion=9')
  expect(seen.all.some((one) => one.health && !one.health.live)).toBe(false)
})

test.each([
  ['an event', (response: ServerResponse) => line(response, { type: 'ERROR', object: { kind: 'Status', code: 410 } })],
  ['an answer', (response: ServerResponse) => answer(response, { kind: 'Status', code: 410, reason: 'Expired' }, 410)],
])('lists anew, and is not stale, after 410 as %s', async (_, gone) => {
  let watches = 0
  const { seen } = await watch((path, response) => {
    if (!isWatch(path)) return answer(response, watches === 0 ? list('5', 'a') : list('20', 'b'))
    if (++watches === 1) gone(response)
    else response.flushHeaders()
  })
  await seen.until((all) => events(all).length === 2)
  expect(events(seen.all)).toEqual([{ list: ['a'] }, { list: ['b'] }])
  expect(seen.all.some((one) => one.health && !one.health.live)).toBe(false)
})

test('is stale when the connection is cut, and live again', async () => {
  const { server, seen } = await watch((path, response) => {
    if (!isWatch(path)) return answer(response, list('5', 'a'))
    response.flushHeaders()
  })
  await server.until(() => server.paths.length === 2)
  await seen.until((all) => all.filter((one) => one.health?.live).length === 2)
  const before = Date.now()
  server.cut()
  await seen.until((all) => all.filter((one) => one.health?.live).length === 3)
  const stale = seen.all.flatMap((one) => (one.health && !one.health.live ? [one.health] : []))
  expect(stale).toHaveLength(1)
  expect(stale[0]?.error.code).toBe(0)
  expect(stale[0]?.since).toBeGreaterThanOrEqual(before)
  expect((stale[0]?.retry ?? 0) - (stale[0]?.since ?? 0)).toBe(375)
  expect(server.paths.filter((path) => path === 'sessions')).toHaveLength(1)
})

test('gives up a connection that is silent, and says since when', async () => {
  const { seen } = await watch(
    (path, response) => {
      if (!isWatch(path)) return answer(response, list('5', 'a'))
      response.flushHeaders()
    },
    { ...quick, silence: 100 },
  )
  await seen.until((all) => all.some((one) => one.health && !one.health.live))
  const stale = seen.all.find((one) => one.health && !one.health.live)?.health
  expect(stale).toMatchObject({ error: { code: 0, reason: 'Silent' } })
  if (stale && !stale.live) expect(stale.retry - stale.since).toBeGreaterThanOrEqual(475)
})

test('waits longer after each failure, and tries at once when it is woken', async () => {
  let refusing = true
  const { seen, kind, server } = await watch((path, response) => {
    if (refusing) return answer(response, { kind: 'Status', message: 'no' }, 503)
    if (!isWatch(path)) return answer(response, list('5', 'a'))
    response.flushHeaders()
  })
  const delays = () => seen.all.flatMap(({ health }) => (health && !health.live ? [health.retry - health.since] : []))
  await seen.until(() => delays().length === 2)
  expect(delays()).toEqual([375, 750])
  refusing = false
  const requests = server.paths.length
  kind.wake()
  await server.until(() => server.paths.length > requests)
  await seen.until((all) => all.some((one) => one.health?.live))
})

test.each([
  [403, 'forbidden to list'],
  [404, 'not found'],
])('tells %i with its message, and asks again', async (code, message) => {
  let lists = 0
  const { seen } = await watch((path, response) => {
    if (++lists === 1) return answer(response, { kind: 'Status', code, message, reason: 'Some' }, code)
    if (!isWatch(path)) return answer(response, list('5', 'a'))
    response.flushHeaders()
  })
  await seen.until((all) => all.some((one) => one.list))
  expect(seen.all[0]?.health).toMatchObject({ live: false, error: { code, message, reason: 'Some' } })
})

test.each(['', '/prefix', '/a/b'])('finds the API beside a page at %s/ui/', async (prefix) => {
  const { server, seen } = await watch(
    (path, response) => {
      if (!isWatch(path)) return answer(response, list('5', 'a'))
      response.flushHeaders()
    },
    quick,
    prefix,
  )
  await seen.until((all) => all.some((one) => one.list))
  expect(server.paths[0]).toBe('sessions')
})
