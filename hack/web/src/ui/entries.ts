// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { filterRows, type Group, type GroupKey, groupRows, type SortKey, sortRows } from '../model/arrange'
import { type Phase, ranked } from '../model/phase'
import type { Row, Rows } from '../model/rows'

/** Arrangement is what a table shows, and in what order. The parameters of the route hold it. */
export interface Arrangement {
  sort: SortKey
  descending: boolean
  group: GroupKey
  filter: string
  phases: Phase[]
  labels: string[]
}

const sortKeys: readonly string[] = ['failed', 'order', 'name', 'state', 'time', 'duration', 'restarts']
const groupKeys: readonly string[] = ['none', 'label', 'state', 'type']

/** arrangementOf reads parameters. What it doesn't know is as if it weren't there. */
export function arrangementOf(params: Record<string, string>): Arrangement {
  const { sort = '', group = '', filter = '', state = '', label = '' } = params
  const descending = sort.startsWith('-')
  const key = descending ? sort.slice(1) : sort
  const list = (text: string) => text.split(',').filter(Boolean)
  return {
    sort: sortKeys.includes(key) ? (key as SortKey) : 'order',
    descending,
    group: groupKeys.includes(group) ? (group as GroupKey) : 'none',
    filter,
    phases: list(state).filter((phase): phase is Phase => (ranked as readonly string[]).includes(phase)),
    labels: list(label),
  }
}

/** nextSort is the parameter after a click on a column: ascending, descending, then the order of the Tiltfile. */
export function nextSort(now: Arrangement, key: SortKey): string | undefined {
  if (now.sort !== key) return key
  return now.descending ? undefined : `-${key}`
}

/** Entry is a line of the table: the head of a group, or a row. */
export type Entry = { kind: 'group'; group: Group; open: boolean } | { kind: 'row'; row: Row }

/** entriesOf are the lines of a table. toggled are the keys of groups that aren't as they begin. */
export function entriesOf(rows: Rows, how: Arrangement, toggled: ReadonlySet<string>, now: number): Entry[] {
  const { filter, phases, labels } = how
  const chosen = filterRows(rows.list, { text: filter, phases, labels })
  const groups = groupRows(sortRows(chosen, how.sort, how.descending, now), how.group)
  const searching = filter !== '' || phases.length > 0
  const entries: Entry[] = []
  for (const group of groups) {
    const begins = searching || !group.collapsed
    const open = begins !== toggled.has(group.key)
    if (group.key !== '' || groups.length > 1) {
      if (group.key !== '' || how.group !== 'none') entries.push({ kind: 'group', group, open })
    }
    if (open) for (const row of group.rows) entries.push({ kind: 'row', row })
  }
  return entries
}

/**
 * held are the lines of before with the rows of now, so that nothing moves under what has the focus: rows that are gone
 * are left out, and new ones follow at the end.
 */
export function held(before: readonly Entry[], now: readonly Entry[], rows: Rows): Entry[] {
  const here = new Set<string>()
  const entries: Entry[] = []
  for (const entry of before) {
    if (entry.kind === 'group') {
      entries.push(entry)
      continue
    }
    const row = rows.byName.get(entry.row.name)
    if (!row) continue
    here.add(row.name)
    entries.push(row === entry.row ? entry : { kind: 'row', row })
  }
  for (const entry of now) if (entry.kind === 'row' && !here.has(entry.row.name)) entries.push(entry)
  return entries
}

/** keyOf is unique among the entries of a table. */
export function keyOf(entry: Entry): string {
  return entry.kind === 'row' ? `r ${entry.row.name}` : `g ${entry.group.key}`
}

/** How many lines are rendered without a window, and how many beyond what is seen with one. */
const small = 200
const beyond = 10

/** windowOf are the first and the last but one line to render of a table that is scrolled. */
export function windowOf(total: number, top: number, height: number, line: number): { from: number; to: number } {
  if (total <= small) return { from: 0, to: total }
  const from = Math.max(0, Math.floor(top / line) - beyond)
  return { from: Math.min(from, total), to: Math.min(total, Math.ceil((top + height) / line) + beyond) }
}

/** Part is what is rendered of a table: an entry, or the space of the lines that are skipped from an index on. */
export interface Part {
  entry?: Entry
  index: number
  skipped: number
}

/** partsOf are those of the entries from one up to another, and of the one to keep wherever that is. */
export function partsOf(entries: readonly Entry[], from: number, to: number, keep: number): Part[] {
  const parts: Part[] = []
  let next = 0
  const add = (index: number) => {
    const entry = entries[index]
    if (index > next) parts.push({ index: next, skipped: index - next })
    next = Math.max(next, index + 1)
    if (entry) parts.push({ entry, index, skipped: 0 })
  }
  if (keep >= 0 && keep < from) add(keep)
  for (let index = from; index < to; index++) add(index)
  if (keep >= to) add(keep)
  add(entries.length)
  return parts
}
