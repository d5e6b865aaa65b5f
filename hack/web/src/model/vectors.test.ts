// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Session, SessionStatus } from '../api/types'
import { chain } from './chain'
import { failuresOf } from './failures'
import { duration, moment } from './format'
import { criticalPath } from './path'
import { looks, phaseOf } from './phase'
import { rowsOf, timeIn, whyChain } from './rows'
import { type Summary, summarize, verdictOf } from './summary'

/** What the server's tests have written: statuses, and what its rules say of them. */
interface Vector {
  name: string
  status: SessionStatus
  needs: Record<string, string[]> | null
  now: string
  phases: string[]
  chains: Record<string, { target: string; more: number }[]>
  path: { target: string; from: string; start: string; to: string }[]
  failures: string[]
  verdict: string
}

interface Rows {
  durations: Record<string, string>
  sessions: {
    session: Session
    now: string
    summary: string
    error: string
    rows: { sign: string; name: string; phase: string; state: string; time: string; why: string; chain: string[] }[]
  }[]
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8'))
const vectors = read('vectors.json') as Vector[]
const rows = read('rows.json') as Rows

/** summaryLine is a summary as the first line of a terminal's view, in which the server's tests write it. */
function summaryLine(sum: Summary): string {
  const ready = `${sum.reached}/${sum.wanted}${sum.truncated ? '+' : ''} ready`
  const parts = [`${sum.command} ${sum.tiltfile}`, sum.state, ready]
  if (sum.failed > 0) parts.push(`${sum.failed} failed`)
  if (sum.active > 0) parts.push(`${sum.active} running`)
  if (sum.waiting > 0) parts.push(`${sum.waiting} waiting`)
  return [...parts, duration(sum.took)].join('  ')
}

test.each(vectors)('$name', ({ status, needs, now, ...want }) => {
  expect(status.targets.map(phaseOf)).toEqual(want.phases)
  expect(verdictOf(status)).toBe(want.verdict)
  expect(failuresOf(status).map((f) => f.target.name)).toEqual(want.failures)
  for (const [name, links] of Object.entries(want.chains)) {
    expect(chain(status, name).map((l) => ({ target: l.target.name, more: l.more }))).toEqual(links)
  }
  const path = criticalPath(status, needs ? (name) => needs[name] ?? [] : undefined, moment(now))
  expect(path.map((s) => ({ target: s.target.name, from: s.from, start: s.start, to: s.to }))).toEqual(
    want.path.map((s) => ({ target: s.target, from: moment(s.from), start: moment(s.start), to: moment(s.to) })),
  )
})

test.each(Object.entries(rows.durations))('%s µs', (microseconds, want) => {
  expect(duration(Number(microseconds) / 1000)).toBe(want)
})

test.each(rows.sessions)('$summary', ({ session, now, summary, error, rows: want }) => {
  const sum = summarize(session, moment(now))
  expect(summaryLine(sum)).toBe(summary)
  expect(sum.error).toBe(error)
  const all = rowsOf(session)
  const got = all.list.map((row) => ({
    sign: looks[row.phase].sign,
    name: row.name,
    phase: row.phase,
    state: row.state,
    time: duration(timeIn(row, moment(now))),
    why: row.why,
    chain: whyChain(all, row).map(({ name }) => name),
  }))
  expect(got).toEqual(want)
})
