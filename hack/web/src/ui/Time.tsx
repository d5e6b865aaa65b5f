// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useApp } from '../app'
import { age, duration } from '../model/format'
import { type Row, timeIn } from '../model/rows'

/** TimeIn is how long a row has waited or run. It counts only while it goes on. */
export function TimeIn({ row }: { row: Row }) {
  const app = useApp()
  if (!row.span) return null
  return <>{duration(timeIn(row, row.span.to || app.now()))}</>
}

/** Elapsed is the time since a moment, or between two. */
export function Elapsed({ from, to = 0 }: { from: number; to?: number }) {
  const app = useApp()
  if (!from) return null
  return <>{duration(Math.max((to || app.now()) - from, 0))}</>
}

/** Age is the time since a moment in its largest units. */
export function Age({ from }: { from: number }) {
  const app = useApp()
  if (!from) return null
  return <>{age(app.now() - from)}</>
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
