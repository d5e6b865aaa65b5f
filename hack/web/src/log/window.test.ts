// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { LogLine } from '../api/types'
import { line, lines } from './fake.testing'
import { append, indexOf, opened, type Page, prepend, type Row, trim } from './window'

function page(list: LogLine[], previous?: [number, number][]): Page {
  const made: Page = { lines: list, from: list[0]?.seq ?? 1, to: list.at(-1)?.seq ?? 0 }
  return previous ? { ...made, previous: new Map(previous) } : made
}

/** show is the rows in short: the number and text of lines, m for missed ones, and … for a gap. */
function show(rows: readonly Row[]): string[] {
  return rows.map((row) => {
    if (row.kind === 'gap') return '…'
    if (row.kind === 'missed') return `m${row.count} ${row.resource}`
    return `${row.seq}${row.headless ? '>' : ''}${row.open ? '<' : ''} ${row.text}`
  })
}

const begun = (seq: number, text: string, resource = 'api') => line(seq, { text, resource, unfinished: true })
const more = (seq: number, text: string, resource = 'api') => line(seq, { text, resource, continues: true })

describe('append', () => {
  const cases: [name: string, first: LogLine[], second: LogLine[], want: string[]][] = [
    ['lines', lines(1, 2), lines(3, 3), ['1 line 1', '2 line 2', '3 line 3']],
    ['lines that are there', lines(1, 2), lines(2, 3), ['1 line 1', '2 line 2', '3 line 3']],
    ['the rest of a line', [begun(1, 'a')], [more(2, 'b')], ['1 ab']],
    [
      'the rest after lines of others',
      [begun(1, 'a'), begun(2, 'x', 'web')],
      [more(3, 'b'), more(4, 'y', 'web')],
      ['1 ab', '2 xy'],
    ],
    [
      'parts in the middle',
      [begun(1, 'a')],
      [line(2, { text: 'b', continues: true, unfinished: true }), more(3, 'c')],
      ['1 abc'],
    ],
    ['the rest of a line that is complete', [line(1, { text: 'a' })], [more(2, 'b')], ['1 a', '2> b']],
    [
      'the rest of another level',
      [begun(1, 'a')],
      [line(2, { text: 'b', continues: true, level: 'error' })],
      ['1< a', '2> b'],
    ],
    [
      'the rest after missing lines',
      [begun(1, 'a')],
      [line(9, { text: 'b', continues: true, missed: 7 })],
      ['1< a', 'm7 api', '9> b'],
    ],
    ['missing lines', lines(1, 1), [line(14, { missed: 12 })], ['1 line 1', 'm12 api', '14 line 14']],
  ]
  it.each(cases)('%s', (_, first, second, want) => {
    expect(show(append(opened(page(first), true, true), page(second)).rows)).toEqual(want)
  })

  it('marks a gap between matches, but not where they touch', () => {
    const window = opened(page(lines(1, 3)), true, true)
    expect(show(append(window, page(lines(7, 7), [[7, 6]])).rows)).toEqual([
      '1 line 1',
      '2 line 2',
      '3 line 3',
      '…',
      '7 line 7',
    ])
    expect(show(append(window, page(lines(4, 4), [[4, 3]])).rows)).toEqual([
      '1 line 1',
      '2 line 2',
      '3 line 3',
      '4 line 4',
    ])
  })

  it('does not change the window', () => {
    const window = opened(page([begun(1, 'a')]), true, true)
    append(window, page([more(2, 'b')]))
    expect(show(window.rows)).toEqual(['1< a'])
  })

  it('begins another row when a joined line gets too long', () => {
    const half = 'x'.repeat(1 << 19)
    let window = opened(page([begun(1, half)]), true, true)
    for (let seq = 2; seq <= 4; seq++) {
      window = append(window, page([line(seq, { text: half, continues: true, unfinished: true })]))
    }
    expect(window.rows.map((row) => row.seq)).toEqual([1, 3])
  })
})

describe('prepend', () => {
  const cases: [name: string, first: LogLine[], second: LogLine[], want: string[]][] = [
    ['lines', lines(3, 3), lines(1, 2), ['1 line 1', '2 line 2', '3 line 3']],
    ['lines that are there', lines(2, 3), lines(1, 2), ['1 line 1', '2 line 2', '3 line 3']],
    ['the beginning of a line', [more(3, 'b'), line(4)], [begun(1, 'a')], ['1 ab', '4 line 4']],
    [
      'the beginning, with others between',
      [line(3, { resource: 'web' }), more(4, 'b')],
      [begun(1, 'a'), line(2, { resource: 'web' })],
      ['1 ab', '2 line 2', '3 line 3'],
    ],
    ['a beginning that ended', [line(3), more(4, 'b')], [begun(1, 'a')], ['1< a', '3 line 3', '4> b']],
  ]
  it.each(cases)('%s', (_, first, second, want) => {
    expect(show(prepend(opened(page(first), false, true), page(second)).rows)).toEqual(want)
  })

  it('takes the mark of a gap away where matches touch', () => {
    const window = opened(page(lines(4, 5), [[4, 3]]), false, true)
    expect(show(window.rows)[0]).toBe('…')
    expect(show(prepend(window, page(lines(2, 3))).rows)).toEqual(['2 line 2', '3 line 3', '4 line 4', '5 line 5'])
    expect(show(prepend(window, page(lines(1, 1))).rows)).toEqual(['1 line 1', '…', '4 line 4', '5 line 5'])
  })
})

describe('trim', () => {
  it('cuts the start', () => {
    const window = trim(opened(page(lines(1, 10)), true, true), 'start', 4)
    expect([window.from, window.to, window.atStart, window.atEnd, window.rows.length]).toEqual([7, 10, false, true, 4])
  })
  it('cuts the end', () => {
    const window = trim(opened(page(lines(1, 10)), true, true), 'end', 4)
    expect([window.from, window.to, window.atStart, window.atEnd, window.rows.length]).toEqual([1, 4, true, false, 4])
  })
  it('bounds the text', () => {
    const window = opened(page(lines(1, 10, () => ({ text: 'x'.repeat(100) }))), true, true)
    expect(trim(window, 'start', 10, 350).from).toBe(8)
    expect(trim(window, 'end', 10, 350).to).toBe(3)
    expect(trim(window, 'start', 10, 50).from).toBe(10)
  })
  it('does not join a part twice that comes again', () => {
    const window = trim(opened(page([begun(1, 'a'), line(2, { resource: 'web' }), more(3, 'b')]), true, true), 'end', 1)
    expect(show(append({ ...window, to: 1 }, page([more(3, 'b'), line(4)])).rows)).toEqual(['1 ab', '4 line 4'])
  })
})

describe('indexOf', () => {
  const { rows } = opened(page([line(2), line(5, { missed: 2 }), line(9)]), true, true)
  const cases: [seq: number, want: number][] = [
    [1, 0],
    [2, 0],
    [3, 1],
    [5, 2],
    [6, 3],
    [9, 3],
    [10, 4],
  ]
  it.each(cases)('line %i is row %i', (seq, want) => expect(indexOf(rows, seq)).toBe(want))
  it('has a later part of a line in the row of its first part', () => {
    const parts = opened(page([begun(1, 'a'), line(2, { resource: 'web' }), more(4, 'b'), line(5)]), true, true).rows
    expect([1, 2, 4, 5].map((seq) => indexOf(parts, seq))).toEqual([0, 1, 0, 2])
  })
})
