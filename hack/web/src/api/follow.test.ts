// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ServerResponse } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { type LogQuery, RequestError } from '../state/state'
import { Client } from './client'
import { Follow, logPath } from './follow'
import { CountedSlots, type Slots } from './slots'
import { answer, Collected, type Handler, line, TestServer } from './testserver'
import type { LogLine } from './types'
import { Wake } from './wait'

const cleanup: (() => unknown)[] = []

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

async function follow(
  handler: Handler,
  query: Partial<LogQuery> = {},
  slots: Slots = new CountedSlots(2),
  over = () => true,
) {
  const server = await TestServer.start(handler)
  const lines = new Collected<number>()
  const ends = new Collected<RequestError | undefined>()
  const running = new AbortController()
  const waking = new Wake()
  const out = {
    lines: (batch: LogLine[]) => {
      for (const { seq } of batch) lines.add(seq)
      return undefined
    },
    ended: (error?: RequestError) => ends.add(error),
    over,
  }
  const reading = new Follow(new Client(server.page), { session: 'a b', resources: [], ...query }, slots, waking, out)
  const run = reading.run(running.signal)
  cleanup.push(async () => {
    running.abort()
    await run
    await server.stop()
  })
  return { server, lines, ends, waking }
}

const from = (path: URL) => Number(path.searchParams.get('sinceSeq') ?? 0)
const write = (response: ServerResponse, ...seqs: number[]) => {
  for (const seq of seqs) line(response, { seq, text: `line ${seq}` })
}

test('continues behind the last line without gap or repetition, wherever a connection is cut', async () => {
  const total = 30
  let connections = 0
  const { server, lines, ends } = await follow((path, response) => {
    connections++
    const start = from(path) + 1
    for (let seq = start; seq < Math.min(start + 10, total + 1); seq++) write(response, seq)
    if (start + 10 > total) return response.end()
    // The beginning of the next line arrives, its end doesn't.
    response.write(`{"seq":${start + 10},"te`, () => setImmediate(() => server.cut()))
  })
  await ends.until((all) => all.length === 1)
  expect(ends.all).toEqual([undefined])
  expect(lines.all).toEqual(Array.from({ length: total }, (_, i) => i + 1))
  expect(connections).toBe(3)
})

test('asks for the tail once, then for what follows', async () => {
  let connections = 0
  const { server, lines, ends } = await follow(
    (_, response) => {
      if (++connections > 1) return response.end()
      write(response, 41, 42)
      response.write('', () => setImmediate(() => server.cut()))
    },
    { tailLines: 2, resources: ['web', '(Tiltfile)'], grep: 'a+', level: 'warn' },
  )
  await ends.until((all) => all.length === 1)
  expect(lines.all).toEqual([41, 42])
  const [first, second] = server.paths.map((path) => new URL(path, 'http://api/').searchParams)
  expect(first?.get('tailLines')).toBe('2')
  expect(second?.get('tailLines')).toBeNull()
  expect(second?.get('sinceSeq')).toBe('42')
  expect(second?.getAll('resources')).toEqual(['web', '(Tiltfile)'])
  expect([second?.get('grep'), second?.get('level'), second?.get('follow')]).toEqual(['a+', 'warn', 'true'])
})

test('without a slot reads by short requests, with one by a stream', async () => {
  const slots = new CountedSlots(1)
  const release = await slots.take()
  let written = 3
  const { server, lines, ends, waking } = await follow(
    (path, response) => {
      for (let seq = from(path) + 1; seq <= written; seq++) write(response, seq)
      response.end()
    },
    {},
    slots,
    () => written > 3,
  )
  await lines.until((all) => all.length === 3)
  await server.until(() => server.open.size === 0)
  expect(new URL(server.paths[0] ?? '', 'http://api/').searchParams.get('follow')).toBeNull()
  written = 5
  release?.()
  while (ends.all.length === 0) {
    waking.now()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(lines.all).toEqual([1, 2, 3, 4, 5])
  expect(new URL(server.paths.at(-1) ?? '', 'http://api/').searchParams.get('follow')).toBe('true')
})

test.each([
  [410, 'Expired'],
  [409, 'Conflict'],
  [404, 'NotFound'],
  [403, 'Forbidden'],
])('ends with the error when the server refuses with %i', async (code, reason) => {
  const { ends } = await follow((_, response) =>
    answer(response, { kind: 'Status', code, reason, message: 'no' }, code),
  )
  const [error] = await ends.until((all) => all.length === 1)
  expect(error).toBeInstanceOf(RequestError)
  expect(error).toMatchObject({ code, reason, message: 'no' })
})

test.each([429, 500, 503])('tries again after %i', async (code) => {
  let requests = 0
  const { lines, ends } = await follow((_, response) => {
    if (++requests === 1) return answer(response, { kind: 'Status', code }, code)
    write(response, 1)
    response.end()
  })
  await ends.until((all) => all.length === 1)
  expect(lines.all).toEqual([1])
})

test('after the end of the login waits for another one', async () => {
  let known = false
  const { server, lines, ends, waking } = await follow((_, response) => {
    if (!known) return answer(response, { kind: 'Status', code: 401 }, 401)
    write(response, 1)
    response.end()
  })
  await server.until(() => server.paths.length === 1 && server.open.size === 0)
  known = true
  while (ends.all.length === 0) {
    waking.now()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(lines.all).toEqual([1])
  expect(server.paths).toHaveLength(2)
})

test('a server that ends has not ended the log of a Session that goes on', async () => {
  let requests = 0
  const { lines, ends, waking } = await follow(
    (path, response) => {
      requests++
      write(response, from(path) + 1)
      response.end()
    },
    {},
    undefined,
    () => requests >= 2,
  )
  await lines.until((all) => all.length === 1)
  while (ends.all.length === 0) {
    waking.now()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(lines.all).toEqual([1, 2])
  expect(ends.all).toEqual([undefined])
})

test('the path of a log escapes names', () => {
  const path = logPath({ session: 'a/b', resources: ['x&y'], beforeSeq: 7, limitLines: 500 })
  expect(path).toBe('sessions/a%2Fb/log?format=json&resources=x%26y&beforeSeq=7&limitLines=500')
})
