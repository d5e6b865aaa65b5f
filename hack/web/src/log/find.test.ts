// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { RequestError } from '../state/state'
import { FakeLogs, line, lines } from './fake.testing'
import { noFilter } from './filter'
import { Find, maxFound } from './find'
import { Pages, type Part } from './pages'

function part(filter = noFilter): Part {
  return { session: 's', resources: [], filter, first: 0, end: 0 }
}

const logs = () => new FakeLogs(lines(1, 5000, (seq) => ({ text: seq % 100 === 0 ? `hit ${seq}` : `line ${seq}` })))

describe('Find', () => {
  it('finds the next match first, and then all of them', async () => {
    const first: number[] = []
    const find = new Find(new Pages(logs(), part()), 'hit', false, () => {})
    const done = find.start(2950, (seq) => first.push(seq))
    expect(find.count(undefined)).toBe('0+')
    await done
    expect([first, find.seqs.length, find.count(3000)]).toEqual([[3000], 50, '30/50'])
    expect([find.next(3000, 1), find.next(3000, -1), find.next(5000, 1), find.next(100, -1)]).toEqual([
      3100, 2900, 100, 5000,
    ])
    expect([
      find.has({ seq: 3000, last: 3000 }),
      find.has({ seq: 2999, last: 3000 }),
      find.has({ seq: 3001, last: 3002 }),
    ]).toEqual([true, true, false])
  })

  it('begins again at the start if nothing follows', async () => {
    const first: number[] = []
    const find = new Find(new Pages(logs(), part()), 'hit 1', false, () => {})
    await find.start(4000, (seq) => first.push(seq))
    expect(first).toEqual([100])
  })

  it('finds what the filter shows', async () => {
    const find = new Find(new Pages(logs(), part({ ...noFilter, q: 'HIT', not: '200' })), '00', false, () => {})
    await find.start(1, () => {})
    expect(find.seqs).toEqual([])
    const other = new Find(
      new Pages(logs(), part({ ...noFilter, q: 'hit [12]', not: '200', re: true })),
      '00$',
      true,
      () => {},
    )
    await other.start(1, () => {})
    expect(other.seqs).toEqual([
      100, 1000, 1100, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2100, 2300, 2400, 2500, 2600, 2700, 2800, 2900,
    ])
  })

  it('goes on with new lines', async () => {
    const log = logs()
    const find = new Find(new Pages(log, part()), 'hit', false, () => {})
    await find.start(1, () => {})
    log.write(line(5001, { text: 'hit' }), line(5002))
    await find.more()
    expect([find.seqs.length, find.seqs.at(-1)]).toEqual([51, 5001])
  })

  it('counts no more than it has to', async () => {
    const find = new Find(new Pages(new FakeLogs(lines(1, 30_000)), part()), 'line', false, () => {})
    await find.start(15_000, () => {})
    expect([find.seqs.length, find.count(15_000)]).toEqual([maxFound, `1/${maxFound}+`])
  })

  it('says what is wrong with an expression', async () => {
    const log = logs()
    log.refusal = new RequestError(422, 'Invalid', 'grep: missing closing )')
    const find = new Find(new Pages(log, part()), '(', true, () => {})
    await find.start(1, () => {})
    expect([find.error?.message, find.searching]).toEqual(['grep: missing closing )', false])
  })
})
