// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it, vi } from 'vitest'
import { RequestError } from '../state/state'
import { FakeLogs, line, lines } from './fake.testing'
import { Feed } from './feed'
import { type Filter, noFilter } from './filter'
import type { Part } from './pages'
import { maxRows } from './window'

function part(filter: Partial<Filter> = {}, more: Partial<Part> = {}): Part {
  return { session: 's', resources: [], filter: { ...noFilter, ...filter }, first: 0, end: 0, ...more }
}

/** fixture is a feed whose followed lines arrive as soon as what runs now has finished. */
function fixture(logs: FakeLogs, of = part()) {
  const feed = new Feed(logs, of, () => {}, queueMicrotask)
  return {
    feed,
    settled: () => vi.waitFor(() => expect([feed.busy, feed.phase.name]).toEqual([undefined, 'ready'])),
    seqs: () => feed.window.rows.filter((row) => row.kind === 'line').map((row) => row.seq),
    kinds: () => feed.window.rows.map((row) => (row.kind === 'line' ? row.seq : row.kind)),
  }
}

const flush = () => new Promise<void>((done) => setTimeout(done))

describe('Feed', () => {
  it('opens the end of a long log, and pages to its start', async () => {
    const logs = new FakeLogs(lines(1, 100_000))
    const { feed, settled, seqs } = fixture(logs)
    feed.open()
    await settled()
    expect([seqs()[0], seqs().at(-1), feed.window.atStart, feed.window.atEnd]).toEqual([99_001, 100_000, false, true])
    feed.older()
    await settled()
    expect([seqs()[0], seqs().length]).toEqual([98_001, 2000])
    feed.home()
    await settled()
    expect([seqs()[0], seqs().at(-1), feed.window.atStart, feed.window.atEnd]).toEqual([1, 1000, true, false])
    expect(feed.following).toBe(false)
    feed.newer()
    await settled()
    expect(seqs()).toHaveLength(2000)
    feed.end()
    await settled()
    expect([seqs().at(-1), feed.following]).toEqual([100_000, true])
  })

  it('keeps a bounded window whichever way it is read', async () => {
    const { feed, settled, seqs } = fixture(new FakeLogs(lines(1, 50_000)))
    feed.open()
    await settled()
    for (let i = 0; i < 30; i++) {
      feed.older()
      await settled()
    }
    expect([seqs().length, seqs()[0], seqs().at(-1), feed.window.atEnd]).toEqual([maxRows, 19_001, 39_000, false])
    for (let i = 0; i < 11; i++) {
      feed.newer()
      await settled()
    }
    if (!feed.window.atEnd) feed.newer()
    await settled()
    expect([seqs().length, seqs().at(-1), feed.window.atEnd]).toEqual([maxRows, 50_000, true])
    expect(seqs()[0]).toBe(30_001)
  })

  it('follows without gap or repetition', async () => {
    const logs = new FakeLogs(lines(1, 10))
    const { feed, settled, seqs } = fixture(logs)
    feed.open()
    await settled()
    logs.write(...lines(11, 12))
    logs.write(line(13))
    await flush()
    expect(seqs()).toEqual(lines(1, 13).map(({ seq }) => seq))
    expect([feed.arrived, feed.unseen]).toEqual([3, 0])
  })

  it('gives up old lines while it follows', async () => {
    const logs = new FakeLogs([])
    const { feed, settled, seqs } = fixture(logs)
    feed.open()
    await settled()
    for (let seq = 1; seq < 60_000; seq += 7_500) {
      logs.write(...lines(seq, seq + 7_499))
      await flush()
    }
    expect([seqs().length, seqs()[0], seqs().at(-1), feed.window.atStart]).toEqual([maxRows, 40_001, 60_000, false])
  })

  it('keeps what is read when a lot is written, and finds the end again', async () => {
    const logs = new FakeLogs(lines(1, 1000))
    const { feed, settled, seqs } = fixture(logs)
    feed.open()
    await settled()
    feed.stay()
    for (let seq = 1001; seq < 41_000; seq += 5000) {
      logs.write(...lines(seq, seq + 4999))
      await flush()
    }
    expect(seqs()[0]).toBe(1)
    expect(seqs().length).toBeLessThanOrEqual(maxRows)
    expect([feed.unseen, feed.window.atEnd]).toEqual([40_000, false])
    for (let i = 0; i < 60 && !feed.window.atEnd; i++) {
      feed.newer()
      await settled()
    }
    const all = seqs()
    expect(all.at(-1)).toBe(41_000)
    expect(all.every((seq, i) => i === 0 || seq === (all[i - 1] ?? 0) + 1)).toBe(true)
    logs.write(line(41_001))
    await flush()
    feed.newer()
    await settled()
    expect([seqs().at(-1), feed.window.atEnd]).toEqual([41_001, true])
  })

  it('opens at a line, and reaches the end from there', async () => {
    const logs = new FakeLogs(lines(1, 3000))
    const { feed, settled, seqs } = fixture(logs)
    feed.open(1500)
    await settled()
    expect([seqs()[0], seqs().at(-1), feed.following]).toEqual([500, 2499, false])
    logs.write(line(3001))
    await flush()
    expect(seqs().at(-1)).toBe(2499)
    feed.newer()
    await settled()
    expect([seqs().at(-1), feed.window.atEnd]).toEqual([3001, true])
  })

  it('begins again when the log is of another run', async () => {
    const logs = new FakeLogs(lines(1, 20))
    const { feed, settled, seqs } = fixture(logs)
    feed.open(5000)
    await settled()
    expect([feed.restarted, seqs().length]).toEqual([true, 20])
    const old = logs.lines
    logs.lines = lines(1, 3)
    logs.end(new RequestError(410, 'Expired', 'another run'))
    await vi.waitFor(() => expect(seqs()).toEqual([1, 2, 3]))
    expect(old).toHaveLength(20)
    logs.write(line(4))
    await flush()
    expect(seqs()).toEqual([1, 2, 3, 4])
  })

  it('reads an update that has ended, and nothing after it', async () => {
    const logs = new FakeLogs(lines(1, 30))
    const { feed, settled, seqs } = fixture(logs, part({}, { first: 5, end: 9 }))
    feed.open()
    await settled()
    logs.write(line(31))
    await flush()
    expect([seqs(), feed.bounded, feed.window.atStart, feed.window.atEnd]).toEqual([[5, 6, 7, 8], true, true, true])
  })

  it('says how many lines were dropped before the first', async () => {
    const logs = new FakeLogs(lines(51, 60))
    logs.dropped = 50
    const { feed, settled, kinds } = fixture(logs)
    feed.open()
    await settled()
    expect(kinds().slice(0, 2)).toEqual(['missed', 51])
  })

  it('says that it is refused, and that the log has ended', async () => {
    const logs = new FakeLogs(lines(1, 2))
    logs.refusal = new RequestError(409, 'Conflict', "it isn't run by this server")
    const { feed, settled } = fixture(logs)
    feed.open()
    await vi.waitFor(() => expect(feed.phase).toEqual({ name: 'refused', error: logs.refusal }))
    logs.refusal = undefined
    feed.open()
    await settled()
    logs.end()
    await vi.waitFor(() => expect(feed.ended).toBe(true))
    expect(feed.window.rows).toHaveLength(2)
  })

  it('tries again when the server does not answer', async () => {
    vi.useFakeTimers()
    try {
      const logs = new FakeLogs(lines(1, 1500))
      logs.refusal = new RequestError(0, '', 'no answer')
      const { feed, seqs } = fixture(logs)
      feed.open()
      await vi.advanceTimersByTimeAsync(10)
      expect(feed.phase.name).toBe('retrying')
      logs.refusal = undefined
      await vi.advanceTimersByTimeAsync(2000)
      expect([feed.phase.name, seqs().length, seqs().at(-1)]).toEqual(['ready', 1000, 1500])
      logs.refusal = new RequestError(503, '', 'no answer')
      feed.older()
      await vi.advanceTimersByTimeAsync(10)
      expect([feed.phase.name, seqs().length]).toEqual(['retrying', 1000])
      logs.refusal = undefined
      await vi.advanceTimersByTimeAsync(2000)
      expect([feed.phase.name, seqs().length]).toEqual(['ready', 1500])
    } finally {
      vi.useRealTimers()
    }
  })

  it('forgets where the reader wanted to go before', async () => {
    const { feed, settled, seqs } = fixture(new FakeLogs(lines(1, 3000)))
    feed.open()
    await settled()
    feed.home()
    feed.show(2500)
    await settled()
    await flush()
    expect([seqs()[0], seqs().at(-1)]).toEqual([2001, 3000])
  })

  it('forgets a failed jump when the reader wants something else', async () => {
    vi.useFakeTimers()
    try {
      const logs = new FakeLogs(lines(1, 3000))
      const { feed, seqs } = fixture(logs)
      feed.open()
      await vi.advanceTimersByTimeAsync(10)
      logs.refusal = new RequestError(503, '', 'no answer')
      feed.home()
      await vi.advanceTimersByTimeAsync(10)
      logs.refusal = undefined
      feed.end()
      await vi.advanceTimersByTimeAsync(5000)
      expect([feed.phase.name, feed.following, seqs().at(-1)]).toEqual(['ready', true, 3000])
    } finally {
      vi.useRealTimers()
    }
  })

  it('keeps what is read while the filter of new lines fails, and has these lines later', async () => {
    vi.useFakeTimers()
    try {
      const logs = new FakeLogs(lines(1, 30))
      const { feed, seqs } = fixture(logs, part({ not: 'none|x', re: true }))
      feed.open()
      await vi.advanceTimersByTimeAsync(10)
      feed.stay()
      logs.refusal = new RequestError(503, '', 'no answer')
      logs.write(line(31))
      await vi.advanceTimersByTimeAsync(10)
      logs.write(line(32))
      logs.refusal = undefined
      await vi.advanceTimersByTimeAsync(5000)
      expect([feed.following, feed.unseen, feed.phase.name]).toEqual([false, 2, 'ready'])
      expect(seqs()).toEqual(lines(1, 32).map(({ seq }) => seq))
    } finally {
      vi.useRealTimers()
    }
  })

  it('has no requests once it is closed', async () => {
    const logs = new FakeLogs(lines(1, 2))
    const { feed, settled, seqs } = fixture(logs)
    feed.open()
    await settled()
    feed.close()
    logs.write(line(3))
    await flush()
    expect(seqs()).toEqual([1, 2])
  })
})

describe('a filter', () => {
  const log = () =>
    new FakeLogs(
      lines(1, 40, (seq) => ({
        text: seq % 10 === 0 ? `GET /${seq}` : `other ${seq}`,
        own: seq % 2 === 0,
        level: seq === 7 ? 'error' : 'info',
        resource: seq > 35 ? 'web' : 'api',
      })),
    )
  const cases: [name: string, of: Part, want: (number | string)[]][] = [
    ['includes', part({ q: 'get' }), [10, 20, 30, 40]],
    ['includes with an expression', part({ q: '/[12]0', re: true }), [10, 20]],
    ['excludes', part({ q: 'get', not: '/30' }), [10, 20, 40]],
    ['excludes with an expression', part({ q: 'GET', not: '/[12]', re: true }), [30, 40]],
    ['by level', part({ level: 'error' }), [7]],
    ['by source', part({ q: 'r 1', src: 'output' }), [1, 11, 13, 15, 17, 19]],
    ['by resource', part({}, { resources: ['web'] }), [36, 37, 38, 39, 40]],
    ['an update', part({}, { first: 3, end: 6 }), [3, 4, 5]],
    [
      'with context',
      part({ q: 'get', ctx: 1 }),
      ['gap', 9, 10, 11, 'gap', 19, 20, 21, 'gap', 29, 30, 31, 'gap', 39, 40],
    ],
    ['with context that touches', part({ q: '[456]$', re: true, ctx: 4 }), lines(1, 40).map(({ seq }) => seq)],
    ['by level with context', part({ level: 'error', ctx: 2 }), ['gap', 5, 6, 7, 8, 9]],
  ]
  it.each(cases)('%s', async (_, of, want) => {
    const { feed, settled, kinds } = fixture(log(), of)
    feed.open()
    await settled()
    expect(kinds()).toEqual(want)
    expect(feed.window.atStart).toBe(true)
  })

  it('holds for lines that are written later', async () => {
    const logs = log()
    const { feed, settled, seqs } = fixture(logs, part({ q: 'get', not: '/5', re: true }))
    feed.open()
    await settled()
    logs.write(line(41, { text: 'get it' }), line(42, { text: 'get /5' }), line(43), line(44, { text: 'get more' }))
    await vi.waitFor(() => expect(seqs()).toEqual([41, 44]))
  })

  it('pages through matches with context', async () => {
    const logs = new FakeLogs(lines(1, 2000, (seq) => ({ text: seq % 10 < 2 ? `hit ${seq}` : `line ${seq}` })))
    const { feed, settled, seqs } = fixture(logs, part({ q: 'hit', ctx: 1 }))
    feed.open()
    await settled()
    for (let i = 0; i < 20 && !feed.window.atStart; i++) {
      feed.older()
      await settled()
    }
    const want = lines(1, 2000).map(({ seq }) => seq)
    expect(seqs()).toEqual(want.filter((seq) => [9, 0, 1, 2].includes(seq % 10)))
  })
})
