// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Rows } from '../model/rows'
import type { Summary } from '../model/summary'
import { plural, visible } from './text'

/** Change is something that happened and that a person wants to know who doesn't look. */
export interface Change {
  kind: 'failed' | 'recovered' | 'finished'
  text: string
}

/** Seen is what changes are found from. */
export interface Seen {
  rows: Rows
  summary: Summary
}

/**
 * changesOf are the failures, recoveries and the verdict between two looks at one Session. broken are the names of the
 * rows that have failed and haven't recovered, which it keeps: what has failed runs before it recovers.
 */
export function changesOf(before: Seen | undefined, after: Seen, broken: Set<string>): Change[] {
  if (!before) {
    for (const row of after.rows.list) if (row.phase === 'failed') broken.add(row.name)
    return []
  }
  const changes: Change[] = []
  for (const row of after.rows.list) {
    const old = before.rows.byName.get(row.name)
    if (old === row || !old) continue
    const name = visible(row.name)
    if (row.phase === 'failed' && old.phase !== 'failed') {
      broken.add(row.name)
      changes.push({ kind: 'failed', text: row.why ? `${name} failed, ${visible(row.why)}` : `${name} failed` })
    } else if ((row.phase === 'ready' || row.phase === 'succeeded') && broken.delete(row.name)) {
      changes.push({
        kind: 'recovered',
        text: row.phase === 'ready' ? `${name} is ready again` : `${name} has succeeded`,
      })
    }
  }
  const { done, state, name } = after.summary
  if (done && !before.summary.done) changes.push({ kind: 'finished', text: `${visible(name)} has ${state}` })
  return changes
}

/** phrase says several texts as one: as they are if they are few, else how many more there are. */
export function phrase(texts: readonly string[], few = 3): string {
  if (texts.length <= few) return texts.join('. ')
  return `${texts.slice(0, few).join('. ')}. ${plural(texts.length - few, 'more change')}`
}

/** Pace lets texts out at most once per interval; what comes in between is said together. */
export class Pace {
  private waiting: string[] = []
  private last = Number.NEGATIVE_INFINITY

  constructor(private readonly interval = 2000) {}

  add(...texts: string[]): void {
    this.waiting.push(...texts)
  }

  /** take returns what may be said now, and in how many ms there may be more; -1 for never. */
  take(now: number): { text: string; next: number } {
    if (this.waiting.length === 0) return { text: '', next: -1 }
    const next = this.last + this.interval - now
    if (next > 0) return { text: '', next }
    const text = phrase(this.waiting)
    this.waiting = []
    this.last = now
    return { text, next: -1 }
  }
}
