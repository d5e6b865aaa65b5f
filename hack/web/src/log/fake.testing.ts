// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'
import { type LogQuery, type Logs, RequestError } from '../state/state'
import { printable } from './control'

/** FakeLogs answers as the server does, from lines in memory. */
export class FakeLogs implements Logs {
  readonly queries: LogQuery[] = []
  /** What read rejects with, if anything. */
  refusal: RequestError | undefined
  /** How many lines before the first one were dropped, which the answer to sinceSeq=0 says. */
  dropped = 0
  private readonly followers = new Set<Follower>()

  constructor(public lines: LogLine[]) {}

  async read(query: LogQuery, signal?: AbortSignal): Promise<LogLine[]> {
    this.queries.push(query)
    await Promise.resolve()
    signal?.throwIfAborted()
    if (this.refusal) throw this.refusal
    if (query.sinceSeq !== undefined && query.sinceSeq > (this.lines.at(-1)?.seq ?? 0)) {
      throw new RequestError(410, 'Expired', `the log has no line ${query.sinceSeq} yet`)
    }
    const { beforeSeq, limitLines } = query
    const found = this.lines.filter(selector(query))
    if (this.dropped && query.sinceSeq === 0 && found[0]) found[0] = { ...found[0], missed: this.dropped }
    if (limitLines === undefined) return found
    return beforeSeq ? found.slice(-limitLines) : found.slice(0, limitLines)
  }

  follow(
    query: LogQuery,
    lines: (batch: LogLine[]) => void,
    ended: (error?: RequestError) => void,
    signal: AbortSignal,
  ): void {
    const follower = { query, lines, ended }
    this.followers.add(follower)
    signal.addEventListener('abort', () => this.followers.delete(follower))
    const missed = this.lines.filter(selector(query))
    if (missed.length > 0) lines(missed)
  }

  /** write adds lines, which followers get. */
  write(...lines: LogLine[]): void {
    for (const line of lines) this.lines.push(line)
    for (const follower of this.followers) {
      const selected = lines.filter(selector(follower.query))
      if (selected.length > 0) follower.lines(selected)
    }
  }

  /** end ends the log for those who follow it. */
  end(error?: RequestError): void {
    for (const follower of this.followers) follower.ended(error)
  }
}

interface Follower {
  query: LogQuery
  lines: (batch: LogLine[]) => void
  ended: (error?: RequestError) => void
}

const ranks = { info: 0, warn: 1, error: 2 }

function selector(query: LogQuery): (line: LogLine) => boolean {
  const folds = query.grep?.startsWith('(?i)')
  const pattern = query.grep ? new RegExp(folds ? query.grep.slice(4) : query.grep, folds ? 'i' : '') : undefined
  return (line) =>
    (query.sinceSeq === undefined || line.seq > query.sinceSeq) &&
    (query.beforeSeq === undefined || line.seq < query.beforeSeq) &&
    (query.resources.length === 0 || query.resources.includes(line.resource)) &&
    ranks[line.level] >= ranks[query.level ?? 'info'] &&
    (!pattern || pattern.test(printable(line.text)))
}

/** line is a line of the log, with the number as its text if nothing else is said. */
export function line(seq: number, more: Partial<LogLine> = {}): LogLine {
  const time = new Date(1_700_000_000_000 + seq).toISOString()
  return { seq, time, resource: 'api', level: 'info', text: `line ${seq}`, ...more }
}

/** lines are the lines from one number to another. */
export function lines(from: number, to: number, more: (seq: number) => Partial<LogLine> = () => ({})): LogLine[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => line(from + i, more(from + i)))
}
