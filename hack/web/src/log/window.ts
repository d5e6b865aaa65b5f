// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'

/** LineRow is a line, of one part or of several that were sent before its end was written. */
export interface LineRow {
  kind: 'line'
  key: string
  /** The number of its first part. */
  seq: number
  /** The number of its last part. */
  last: number
  line: LogLine
  text: string
  /** The line had no end yet. */
  open: boolean
  /** Its beginning isn't in the window. */
  headless: boolean
}

/** MissedRow stands for lines that the server has dropped. */
export interface MissedRow {
  kind: 'missed'
  key: string
  seq: number
  resource: string
  count: number
}

/** GapRow stands for lines between two matches that aren't shown. */
export interface GapRow {
  kind: 'gap'
  key: string
  seq: number
  /** The line that the next one follows in the log. */
  previous: number
}

export type Row = LineRow | MissedRow | GapRow

/** Page is what a request has brought: the selected ones of the lines from `from` to `to`. */
export interface Page {
  lines: readonly LogLine[]
  from: number
  to: number
  /** By the seq of a line that doesn't follow the one before it in the page: the seq of the line that it follows. */
  previous?: ReadonlyMap<number, number>
}

/** Window is what the page keeps of a log: the selected ones of the lines from `from` to `to`. It isn't changed. */
export interface Window {
  rows: readonly Row[]
  from: number
  to: number
  /** There are no selected lines before the window. */
  atStart: boolean
  /** There were no selected lines after the window, so that new ones belong to it. */
  atEnd: boolean
}

/** How many rows a window keeps, and how many characters. */
export const maxRows = 20_000
const maxSize = 32 << 20

/** How long a joined line gets before its next part is a row of its own. */
const maxJoined = 1 << 20

/** How far back the beginning of a line is looked for. */
const maxBack = 2000

/** opened is the window of one page. */
export function opened(page: Page, atStart: boolean, atEnd: boolean): Window {
  return { rows: rowsOf(page), from: page.from, to: page.to, atStart, atEnd }
}

/** append adds what follows the window. Lines that the window has are left out. */
export function append(window: Window, page: Page): Window {
  const newer = page.lines.filter((line) => line.seq > window.to || window.rows.length === 0)
  const rows = window.rows.slice()
  add(rows, newer, page.previous)
  return { ...window, rows, to: Math.max(window.to, page.to) }
}

/** prepend adds what precedes the window. */
export function prepend(window: Window, page: Page): Window {
  const older = page.lines.filter((line) => line.seq < window.from)
  const rows = rowsOf({ ...page, lines: older })
  return { ...window, rows: joinAt(rows, window.rows), from: Math.min(window.from, page.from) }
}

/** trim leaves at most `limit` rows and `size` characters, cut from the start or from the end. */
export function trim(window: Window, from: 'start' | 'end', limit = maxRows, size = maxSize): Window {
  const { rows: all } = window
  let kept = 0
  for (let left = size; kept < Math.min(all.length, limit); kept++) {
    const row = all[from === 'start' ? all.length - 1 - kept : kept]
    if (row?.kind === 'line') left -= row.text.length
    if (left < 0 && kept > 0) break
  }
  if (kept === all.length) return window
  if (from === 'start') {
    const rows = all.slice(all.length - kept)
    return { ...window, rows, from: rows[0]?.seq ?? window.from, atStart: false }
  }
  const rows = all.slice(0, kept)
  return { ...window, rows, to: endOf(rows, window.to), atEnd: false }
}

/** indexOf is the row that has the line `seq` or a part of it, else the first one after it; rows.length without one. */
export function indexOf(rows: readonly Row[], seq: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rows[middle]?.seq ?? 0) < seq) low = middle + 1
    else high = middle
  }
  if (rows[low]?.seq !== seq) {
    const begun = rows.slice(Math.max(0, low - maxBack), low).findLast((row) => row.kind === 'line' && row.last >= seq)
    if (begun) return rows.lastIndexOf(begun, low)
  }
  // The rows about a line come directly before it.
  while (rows[low] && rows[low]?.kind !== 'line' && rows[low + 1]?.seq === seq) low++
  return low
}

function rowsOf(page: Page): Row[] {
  const rows: Row[] = []
  add(rows, page.lines, page.previous)
  return rows
}

function add(rows: Row[], lines: readonly LogLine[], previous: ReadonlyMap<number, number> | undefined): void {
  let last = endOf(rows, 0)
  for (const line of lines) {
    const before = previous?.get(line.seq)
    if (before !== undefined && before > last)
      rows.push({ kind: 'gap', key: `g${line.seq}`, seq: line.seq, previous: before })
    last = line.seq
    if (line.missed) {
      rows.push({ kind: 'missed', key: `m${line.seq}`, seq: line.seq, resource: line.resource, count: line.missed })
    }
    const at = line.continues && !line.missed ? beginning(rows, line) : -1
    const row = rows[at]
    if (row?.kind !== 'line') rows.push(rowOf(line))
    else if (row.last < line.seq) rows[at] = joined(row, line)
  }
}

function rowOf(line: LogLine): LineRow {
  return {
    kind: 'line',
    key: String(line.seq),
    seq: line.seq,
    last: line.seq,
    line,
    text: line.text,
    open: !!line.unfinished,
    headless: !!line.continues,
  }
}

function joined(row: LineRow, line: LogLine): LineRow {
  return { ...row, text: row.text + line.text, last: line.seq, open: !!line.unfinished }
}

function same(row: Row, line: LogLine): row is LineRow {
  return row.kind === 'line' && row.line.resource === line.resource && row.line.level === line.level
}

/** beginning is the row that a line continues: the last one of its resource and level, if it is open. */
function beginning(rows: readonly Row[], line: LogLine): number {
  for (let i = rows.length - 1; i >= 0 && i >= rows.length - maxBack; i--) {
    const row = rows[i]
    if (!row || !same(row, line)) continue
    return row.last >= line.seq || (row.open && row.text.length < maxJoined) ? i : -1
  }
  return -1
}

/** joinAt puts rows before others, and the parts of a line that were on both sides together. */
function joinAt(older: Row[], newer: readonly Row[]): Row[] {
  const rest = newer.slice()
  const first = rest[0]
  if (first?.kind === 'gap' && first.previous <= endOf(older, 0)) rest.shift()
  const decided = new Set<string>()
  for (let i = 0; i < rest.length && i < maxBack; i++) {
    const row = rest[i]
    if (row?.kind !== 'line') continue
    const source = `${row.line.level} ${row.line.resource}`
    if (decided.has(source)) continue
    decided.add(source)
    const at = row.headless && !row.line.missed ? beginning(older, row.line) : -1
    const begun = older[at]
    if (begun?.kind !== 'line') continue
    older[at] = { ...begun, text: begun.text + row.text, last: row.last, open: row.open }
    rest.splice(i--, 1)
  }
  return older.concat(rest)
}

function endOf(rows: readonly Row[], otherwise: number): number {
  const row = rows[rows.length - 1]
  if (!row) return otherwise
  return row.kind === 'line' ? row.last : row.seq
}
