// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Logs } from '../state/state'
import { Pages, type Part } from './pages'
import { opened, type Row } from './window'

/** Range is the lines that the address links to. */
export interface Range {
  from: number
  to: number
}

/** How many lines are copied at most. */
const maxCopied = 100_000

/** rangeOf reads a range from the parameters of an address. */
export function rangeOf(params: Readonly<Record<string, string>>): Range | undefined {
  const from = number(params.seq)
  if (from === undefined) return undefined
  return { from, to: Math.max(from, number(params.to) ?? from) }
}

/** selectLine sets the parameters for a line, or for the lines between the present one and it. */
export function selectLine(
  params: Readonly<Record<string, string>>,
  seq: number,
  extend: boolean,
  uid: string,
): Record<string, string> {
  const range = extend ? rangeOf(params) : undefined
  const rest = withoutLine(params)
  if (uid) rest.uid = uid
  if (!range) return { ...rest, seq: String(seq) }
  if (seq < range.from) return { ...rest, seq: String(seq), to: String(range.to) }
  return { ...rest, seq: String(range.from), ...(seq > range.from && { to: String(seq) }) }
}

/** withoutLine leaves the parameters that name a line out. */
export function withoutLine(params: Readonly<Record<string, string>>): Record<string, string> {
  const { seq, to, uid, ...rest } = params
  return rest
}

/** rowsBetween reads the rows of a range, as the filter shows them, wherever in the log they are. */
export async function rowsBetween(logs: Logs, part: Part, range: Range, signal: AbortSignal): Promise<Row[]> {
  const pages = new Pages(logs, part)
  const rows: Row[] = []
  for (let since = range.from - 1; rows.length < maxCopied; ) {
    const fetched = await pages.after(since, signal)
    const before = rows.at(-1)?.seq ?? 0
    for (const row of opened(fetched.page, false, false).rows) {
      if (row.seq >= range.from && row.seq <= range.to && (row.seq > before || row.kind !== 'line')) rows.push(row)
    }
    if (fetched.complete || fetched.last >= range.to) break
    since = fetched.last
  }
  return rows
}

function number(text: string | undefined): number | undefined {
  return text && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
