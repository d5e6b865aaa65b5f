// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'
import type { Logs } from '../state/state'
import { seenText } from './ansi'
import { printable } from './control'
import type { Part } from './pages'
import type { LineRow, Row } from './window'

export type Timestamps = 'off' | 'clock' | 'start' | 'previous'

/** stamp is the time of a line as the column of times has it. */
export function stamp(kind: Timestamps, time: string, start: string | undefined, previous: string | undefined): string {
  if (kind === 'off') return ''
  if (kind === 'clock') return clock(new Date(time))
  const from = kind === 'start' ? start : previous
  if (!from) return ''
  const ms = Date.parse(time) - Date.parse(from)
  return Number.isNaN(ms) ? '' : `+${elapsed(Math.max(0, ms))}`
}

/** clock is a time of the day, in the local zone. */
export function clock(time: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const ms = String(time.getMilliseconds()).padStart(3, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`
}

/** elapsed is a duration with milliseconds below a minute. */
export function elapsed(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(3)}s`
  const seconds = Math.floor(ms / 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m${two(seconds % 60)}s`
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m${two(seconds % 60)}s`
}

/** Seen is which columns are shown. */
export interface Seen {
  timestamps: Timestamps
  start: string | undefined
  resource: boolean
}

/** rowText is a row as it is seen. A line that is cut on the screen is complete in it. */
export function rowText(row: Row, previous: LineRow | undefined, seen: Seen): string {
  if (row.kind === 'gap') return '…'
  if (row.kind === 'missed') return `[${missedText(row.count, row.resource)}]`
  const time = stamp(seen.timestamps, row.line.time, seen.start, previous?.line.time)
  return [time, seen.resource ? `${row.line.resource} │` : '', seenText(row.text)]
    .filter((part, i) => part || i === 2)
    .join(' ')
}

/** rowsText are rows as they are seen. */
export function rowsText(rows: readonly Row[], seen: Seen): string {
  let previous: LineRow | undefined
  const texts: string[] = []
  for (const row of rows) {
    texts.push(rowText(row, previous, seen))
    if (row.kind === 'line') previous = row
  }
  return `${texts.join('\n')}\n`
}

/** missedText says that lines were dropped. */
export function missedText(count: number, resource: string): string {
  const of = resource ? ` of ${resource}` : ''
  return count === 1 ? `1 line${of} was dropped` : `${count.toLocaleString('en')} lines${of} were dropped`
}

export type Format = 'text' | 'ndjson' | 'ansi'

/** encode is a line as a file of that format has it. Parts of a line stay together in text. */
export function encode(line: LogLine, format: Format, withResource: boolean): string {
  if (format === 'ndjson') return `${JSON.stringify(line)}\n`
  const missed = line.missed ? `[${missedText(line.missed, line.resource)}]\n` : ''
  const prefix = withResource ? `${line.resource} │ ` : ''
  return `${missed}${prefix}${format === 'ansi' ? line.text : printable(line.text)}\n`
}

const chunk = 5000

/** wholeLog reads the part of the log from its first line to its last, without the filter, as a file. */
export async function wholeLog(logs: Logs, part: Part, format: Format, signal: AbortSignal): Promise<Blob> {
  const pieces: string[] = []
  const withResource = part.resources.length !== 1
  let sinceSeq = Math.max(0, part.first - 1)
  for (let more = true; more; ) {
    const { session, resources } = part
    const lines = await logs.read({ session, resources, sinceSeq, limitLines: chunk }, signal)
    const wanted = part.end ? lines.filter((line) => line.seq < part.end) : lines
    pieces.push(wanted.map((line) => encode(line, format, withResource)).join(''))
    more = lines.length === chunk && wanted.length === lines.length
    sinceSeq = lines.at(-1)?.seq ?? sinceSeq
  }
  return new Blob(pieces, { type: format === 'ndjson' ? 'application/x-ndjson' : 'text/plain;charset=utf-8' })
}

/** save has the browser save a file. */
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

/** copy puts text on the clipboard. It reports whether that was possible. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

/** A policy of the page, or plain HTTP on another host, may take the clipboard's interface away. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  const focused = document.activeElement
  area.value = text
  area.className = 'log-offscreen'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return done
}
