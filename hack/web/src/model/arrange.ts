// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { looks, type Phase, phaseOf, ranked } from './phase'
import { type Row, timeIn } from './rows'
import { compareNames } from './text'

/** SortKey is what rows are sorted by. */
export type SortKey = 'failed' | 'order' | 'name' | 'state' | 'time' | 'duration' | 'restarts'

/** GroupKey is what rows are grouped by. */
export type GroupKey = 'none' | 'label' | 'state' | 'type'

/** Counts are numbers of targets by phase. */
export type Counts = Readonly<Record<Phase, number>>

/** Group is a part of the rows. Each row is in one group, so that their counts add up. */
export interface Group {
  /** Unique among the groups: "disabled" is that of the disabled rows, which comes last and begins collapsed. */
  readonly key: string
  readonly title: string
  readonly rows: readonly Row[]
  readonly counts: Counts
  readonly collapsed: boolean
}

/** countTargets counts the targets of rows by phase. A target is of one row. */
export function countTargets(rows: readonly Row[]): Counts {
  const counts = Object.fromEntries(ranked.map((phase) => [phase, 0])) as Record<Phase, number>
  for (const row of rows) for (const t of row.targets) counts[phaseOf(t)]++
  return counts
}

/** sortRows returns rows sorted by a key; those that are alike stay in the order of the Tiltfile, then of their names. */
export function sortRows(rows: readonly Row[], key: SortKey, descending = false, now = 0): Row[] {
  const value = keys[key]
  const sign = descending ? -1 : 1
  // Values are computed once: each may parse several times.
  const valued = rows.map((row) => ({ row, value: value(row, now) }))
  valued.sort((a, b) => sign * compare(a.value, b.value) || byOrder(a.row, b.row))
  return valued.map(({ row }) => row)
}

const rank = (row: Row) => ranked.indexOf(row.phase)

const keys: Readonly<Record<SortKey, (row: Row, now: number) => number | string>> = {
  failed: rank,
  order: (row) => row.order,
  name: (row) => row.name,
  state: rank,
  time: timeIn,
  duration: (row) => row.took,
  restarts: (row) => row.restarts,
}

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : compareNames(`${a}`, `${b}`)
}

function byOrder(a: Row, b: Row): number {
  return a.order - b.order || compareNames(a.name, b.name)
}

/**
 * groupRows returns rows in groups, in which they keep their order. A row with several labels is in the group of the
 * first one. Disabled rows are in a group of their own.
 */
export function groupRows(rows: readonly Row[], by: GroupKey): Group[] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = row.phase === 'disabled' ? disabledKey : groupOf(row, by)
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return [...groups.keys()]
    .sort((a, b) => place(a, by) - place(b, by) || compareNames(a, b))
    .map((key) => newGroup(key, groups.get(key) ?? []))
}

const disabledKey = 'disabled'

function groupOf(row: Row, by: GroupKey): string {
  switch (by) {
    case 'label':
      return row.labels[0] === undefined ? '' : `label:${row.labels[0]}`
    case 'state':
      return `state:${row.phase}`
    case 'type':
      return `type:${row.type}`
  }
  return ''
}

/** place orders groups: states by rank, else by name, those without anything to be grouped by later, disabled last. */
function place(key: string, by: GroupKey): number {
  if (key === disabledKey) return ranked.length + 2
  if (key === '') return ranked.length + 1
  return by === 'state' ? ranked.indexOf(key.slice('state:'.length) as Phase) : 0
}

function newGroup(key: string, rows: readonly Row[]): Group {
  return { key, title: titleOf(key), rows, counts: countTargets(rows), collapsed: key === disabledKey }
}

function titleOf(key: string): string {
  if (key.startsWith('state:')) return looks[key.slice('state:'.length) as Phase].word
  return key.slice(key.indexOf(':') + 1)
}

/** RowFilter selects rows. What is empty or unset selects all. */
export interface RowFilter {
  /** Words that a row's name, labels, state, type or reason have, in either case; a row has no word after a "-". */
  text?: string
  /** Rows with any of these labels. */
  labels?: readonly string[]
  /** Rows with a target in any of these phases. */
  phases?: readonly Phase[]
}

/** filterRows returns the rows that a filter selects, in their order. */
export function filterRows(rows: readonly Row[], { text = '', labels = [], phases = [] }: RowFilter): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return rows.filter((row) => {
    if (labels.length > 0 && !row.labels.some((label) => labels.includes(label))) return false
    if (phases.length > 0 && !row.targets.some((t) => phases.includes(phaseOf(t)))) return false
    if (words.length === 0) return true
    const said = [row.name, row.state, row.type, row.why, ...row.labels].join('\n').toLowerCase()
    return words.every((word) => (/^-./.test(word) ? !said.includes(word.slice(1)) : said.includes(word)))
  })
}
