// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ServerResponse } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { secretHeader } from './client'
import { Hub, type Surroundings } from './hub'
import type { Message, Request, Update } from './protocol'
import { CountedSlots } from './slots'
import { answer, Collected, type Handler, line, TestServer } from './testserver'

const cleanup: (() => unknown)[] = []

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

/** browserTab connects as a page does. */
function browserTab(hub: Hub, frozen = false) {
  const { port1, port2 } = new MessageChannel()
  const messages = new Collected<Message>()
  port1.onmessage = ({ data }) => {
    messages.add(data as Message)
    if ((data as Message).type === 'sync' && !frozen) send({ type: 'ready' })
  }
  hub.connect(port2)
  cleanup.push(() => port1.close())
  const send = (request: Request) => port1.postMessage(request)
  const updates = () => messages.all.filter((message): message is Update => message.type === 'update')
  const link = () => updates().findLast((update) => update.link)?.link
  const lines = (id: number) =>
    messages.all.flatMap((message) => (message.type === 'lines' && message.id === id ? message.lines : []))
  return { send, messages, updates, link, lines }
}

async function hubOf(handler: Handler, surroundings: Surroundings = {}) {
  const server = await TestServer.start(handler)
  cleanup.push(() => server.stop())
  const hub = new Hub(surroundings)
  const tab = (hello: Partial<Request & { type: 'hello' }> = {}, frozen = false) => {
    const opened = browserTab(hub, frozen)
    opened.send({ type: 'hello', page: server.page.href, ...hello })
    cleanup.push(() => opened.send({ type: 'bye' }))
    return opened
  }
  return { server, hub, tab }
}

const objects: Handler = (path, response) => {
  if (path.pathname.endsWith('/log')) {
    line(response, { seq: Number(path.searchParams.get('sinceSeq') ?? 0) + 1, text: 'x' })
    return path.searchParams.get('follow') ? undefined : response.end()
  }
  if (path.searchParams.get('watch')) return response.flushHeaders()
  const metadata = { name: 'a', uid: 'u', resourceVersion: '1', managedFields: [{}] }
  answer(response, { metadata: { resourceVersion: '1' }, items: [{ metadata, status: { targets: [{ name: 't' }] } }] })
}

const streams = (server: TestServer) => [...server.open].filter(({ url }) => /watch=true|follow=true/.test(url ?? ''))

test('eight tabs share three watches and two streams of logs, so that a short request has a connection', async () => {
  const { server, tab } = await hubOf(objects)
  const tabs = Array.from({ length: 8 }, () => tab())
  for (const [id, one] of tabs.entries()) one.send({ type: 'follow', id, query: { session: 'a', resources: [] } })
  for (const [id, one] of tabs.entries()) {
    await one.messages.until(() => one.link()?.state === 'live' && one.lines(id).length > 0)
    expect(one.updates().flatMap((update) => update.sessions?.changed ?? [])).toHaveLength(1)
  }
  await server.until(() => streams(server).length === 5)
  expect(server.paths.filter((path) => path.startsWith('sessions?watch'))).toHaveLength(1)
})

test('ends all requests when the last tab leaves', async () => {
  const { server, tab } = await hubOf(objects)
  const [one, two] = [tab(), tab()]
  one.send({ type: 'follow', id: 1, query: { session: 'a', resources: [] } })
  await server.until(() => streams(server).length === 4)
  one.send({ type: 'bye' })
  await server.until(() => streams(server).length === 3)
  two.send({ type: 'bye' })
  await server.until(() => server.open.size === 0)
})

test('finds out that a tab is gone by its lock', async () => {
  const gone: (() => void)[] = []
  const request = (_: string, granted: () => void) => new Promise<void>((r) => gone.push(() => r(granted())))
  const { server, tab } = await hubOf(objects, { locks: { request } as unknown as LockManager })
  const one = tab({ lock: 'tab-1' })
  await one.messages.until(() => one.link()?.state === 'live')
  await server.until(() => streams(server).length === 3)
  for (const end of gone) end()
  await server.until(() => server.open.size === 0)
})

test('rests while no tab is seen for long, and says so after', async () => {
  const { server, tab } = await hubOf(objects)
  const one = tab()
  await server.until(() => streams(server).length === 3)
  const changed = (updates: Update[]) => updates.flatMap((update) => update.sessions?.changed ?? [])
  await one.messages.until(() => changed(one.updates()).length === 1)
  one.send({ type: 'seen', seen: 'long' })
  await server.until(() => streams(server).length === 0)
  const before = one.updates().length
  one.send({ type: 'seen', seen: 'yes' })
  await server.until(() => streams(server).length === 3)
  await one.messages.until(() => one.link()?.state === 'live' && one.updates().length > before)
  expect(changed(one.updates())).toHaveLength(1)
})

test('a login is that of all tabs, the latest one, and its end as well', async () => {
  let valid = 'one'
  const { server, tab } = await hubOf((path, response, request) => {
    if (request.headers[secretHeader.toLowerCase()] !== valid) return answer(response, { message: 'log in' }, 401)
    return objects(path, response, request)
  })
  const states = (of: ReturnType<typeof tab>) => of.updates().flatMap(({ link }) => link?.state ?? [])
  const one = tab()
  await one.messages.until(() => one.link()?.state === 'login')
  tab({ secret: 'one' })
  await one.messages.until(() => one.link()?.state === 'live')
  valid = 'two'
  const three = tab({ secret: 'two' })
  await three.messages.until(() => three.link()?.state === 'live')
  await one.messages.until(() => states(one).at(-1) === 'live')
  await server.until(
    () => streams(server).filter(({ headers }) => headers[secretHeader.toLowerCase()] === 'two').length === 3,
  )
  // A tab that says the same has changed nothing.
  const requests = server.paths.length
  one.send({ type: 'login', secret: 'two' })
  one.send({ type: 'login' })
  await three.messages.until(() => three.link()?.state === 'login')
  expect(three.link()).toMatchObject({ reason: expect.stringContaining('You have logged out') })
  expect(server.paths.length).toBe(requests)
})

test('a tab is told by which lock it finds out that the hub is gone', async () => {
  const { tab } = await hubOf(objects, { lock: 'alive' })
  const [welcome] = await tab().messages.until((all) => all.length > 0)
  expect(welcome).toEqual({ type: 'welcome', lock: 'alive' })
})

test('a log has ended when its Session has, with a slot or without one', async () => {
  let done = false
  const { server, tab } = await hubOf(
    (path, response, request) => {
      const watch = path.searchParams.get('watch')
      if (path.pathname === '/sessions' && !watch) {
        const items = [{ metadata: { name: 'a', uid: 'u', resourceVersion: '1' }, status: { done, targets: [] } }]
        return answer(response, { metadata: { resourceVersion: '1' }, items })
      }
      if (path.pathname.endsWith('/log')) return response.end()
      return objects(path, response, request)
    },
    { timing: { silence: 90_000, refused: 60_000, random: Math.random }, slots: new CountedSlots(0) },
  )
  const one = tab()
  await one.messages.until(() => one.link()?.state === 'live')
  one.send({ type: 'follow', id: 1, query: { session: 'a', resources: [] } })
  await server.until(() => server.paths.filter((path) => path.includes('/log')).length === 1)
  const ended = () => one.messages.all.some(({ type }) => type === 'ended')
  expect(ended()).toBe(false)
  done = true
  while (!ended()) {
    one.send({ type: 'wake' })
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(server.paths.findLast((path) => path.includes('/log'))).toContain('follow=true')
})

test.each([
  [404, 'absent'],
  [403, 'forbidden'],
])('without UIResources (%i) they are %s, and Sessions are there', async (code, state) => {
  const { tab } = await hubOf((path, response, request) => {
    if (path.pathname.startsWith('/ui')) return answer(response, { code, message: 'no' }, code)
    return objects(path, response, request)
  })
  const one = tab()
  await one.messages.until(() => one.updates().some((update) => update.ui === state))
  await one.messages.until(() => one.link()?.state === 'live')
})

test('sends what has changed alone, many events as one message', async () => {
  const target = (name: string, n: number) => ({ name, type: 'job', resources: [], state: { n } })
  const session = (version: number, ...targets: object[]) => ({
    metadata: { name: 's', uid: 'u', resourceVersion: String(version) },
    status: { done: false, targets },
  })
  const { tab } = await hubOf((path, response, request) => {
    if (path.pathname !== '/sessions') return objects(path, response, request)
    if (!path.searchParams.get('watch')) {
      return answer(response, {
        metadata: { resourceVersion: '1' },
        items: [session(1, target('a', 0), target('b', 0))],
      })
    }
    for (let n = 2; n < 100; n++)
      line(response, { type: 'MODIFIED', object: session(n, target('a', 0), target('b', n)) })
  })
  const one = tab()
  const changes = () => one.updates().flatMap((update) => update.sessions?.changed ?? [])
  await one.messages.until(() => changes().some(({ targets }) => JSON.stringify(targets).includes('99')))
  const [first, ...rest] = changes()
  expect(first?.targets).toHaveLength(2)
  expect(first?.order).toEqual(['a', 'b'])
  expect(rest.length).toBeLessThan(20)
  for (const change of rest) {
    expect(change.targets.map(([key]) => key)).toEqual(['b'])
    expect(change.order).toBeUndefined()
  }
})

test('a tab that takes nothing over gets nothing more, then everything at once', async () => {
  let written: ServerResponse | undefined
  const { server, tab } = await hubOf((path, response, request) => {
    if (path.pathname !== '/sessions' || !path.searchParams.get('watch')) return objects(path, response, request)
    response.flushHeaders()
    written = response
  })
  const frozen = tab({}, true)
  const other = tab()
  await server.until(() => written !== undefined)
  await frozen.messages.until((all) => all.some(({ type }) => type === 'sync'))
  for (let n = 2; n < 50; n++) {
    const metadata = { name: `n${n}`, uid: `u${n}`, resourceVersion: String(n) }
    if (written) line(written, { type: 'ADDED', object: { metadata, status: { targets: [] } } })
  }
  const names = (one: typeof other) =>
    one.updates().flatMap(({ sessions }) => sessions?.changed.map(({ name }) => name) ?? [])
  await other.messages.until(() => names(other).includes('n49'))
  expect(frozen.messages.all.filter(({ type }) => type === 'sync')).toHaveLength(1)
  const before = frozen.updates().length
  frozen.send({ type: 'ready' })
  await frozen.messages.until(() => names(frozen).includes('n49'))
  expect(frozen.updates()).toHaveLength(before + 1)
})
