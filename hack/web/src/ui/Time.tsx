// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useApp } from '../app'
import { age, duration } from '../model/format'
import { type Row, timeIn } from '../model/rows'

const minute = 60_000

/** useNow is the time of now for what began at a moment: to a second at first, to a minute once that says enough. */
function useNow(from: number): number {
  const { now } = useApp()
  const rough = now('minute')
  return rough - from < 2 * minute ? now() : rough
}

/** Going is the time since a moment, which goes on: 75s of it are 1m15s, and 4m12s are 4m. */
function Going({ from }: { from: number }) {
  const ms = Math.max(useNow(from) - from, 0)
  return <>{ms < 2 * minute ? duration(ms) : duration(ms - (ms % minute)).replace(/0s$/, '')}</>
}

/** TimeIn is how long a row has waited or run. It counts only while it goes on. */
export function TimeIn({ row }: { row: Row }) {
  if (!row.span) return null
  return row.span.to ? <>{duration(timeIn(row, row.span.to))}</> : <Going from={row.span.from} />
}

/** Elapsed is the time since a moment, or between two. */
export function Elapsed({ from, to = 0 }: { from: number; to?: number }) {
  if (!from) return null
  return to ? <>{duration(Math.max(to - from, 0))}</> : <Going from={from} />
}

/** Age is the time since a moment in its largest units. */
export function Age({ from }: { from: number }) {
  const now = useNow(from)
  if (!from) return null
  return <>{age(now - from)}</>
}

/** Clock is a moment in the local zone, with the date unless it is today's, and ISO 8601 as its title. */
export function Clock({ at }: { at: number }) {
  if (!at) return null
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={date.toISOString()}>
      {clock(date)}
    </time>
  )
}

/** clock is a moment as people write it. */
export function clock(date: Date, today = new Date()): string {
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  return date.toDateString() === today.toDateString() ? time : `${date.toLocaleDateString()} ${time}`
}
