// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'
import type { LogQuery, Logs } from '../state/state'
import { expression, type Filter, literally } from './filter'
import type { Page } from './window'

/** The number after the last line that a log can have. */
const after = Number.MAX_SAFE_INTEGER

/** How many lines are requested at once; fewer with context, which takes two requests for each of them. */
const pageSize = 1000
const pageSizeFiltered = 5000
const pageSizeContext = 50

/** How many requests for context are under way at once. */
const parallel = 4

/** Part is which part of the log is shown. */
export interface Part {
  session: string
  /** All if empty. */
  resources: string[]
  filter: Filter
  /** The first line, and the one after the last, of the update that is shown; 0 for the whole log. */
  first: number
  end: number
}

/** Fetched is the answer of a request for lines. */
export interface Fetched {
  page: Page
  /** The first and the last one of the lines that the server has selected, 0 without one. */
  first: number
  last: number
  /** There are no further lines in the direction of the request. */
  complete: boolean
}

/** Pages reads a part of a log in pages. The server selects by resource, level and expression, the page by the rest. */
export class Pages {
  private readonly size: number

  constructor(
    private readonly logs: Logs,
    readonly part: Part,
  ) {
    const { not, src } = part.filter
    this.size = contextual(part.filter) ? pageSizeContext : not || src ? pageSizeFiltered : pageSize
  }

  /** start is the first line that can be shown. */
  get start(): number {
    return Math.max(1, this.part.first)
  }

  /** before reads what precedes a line; the end of the log without one. */
  async before(seq: number | undefined, signal: AbortSignal): Promise<Fetched> {
    const end = Math.min(seq ?? after, this.part.end || after)
    const lines = await this.read({ beforeSeq: end, limitLines: this.size }, signal)
    const complete = lines.length < this.size
    if (complete) await this.addMissed(lines, signal)
    const from = complete ? this.start : (lines[0]?.seq ?? end)
    return this.fetched(lines, from, end - 1, complete, signal)
  }

  /** addMissed says of the first line how many were dropped before it, which only an answer to sinceSeq has. */
  private async addMissed(lines: LogLine[], signal: AbortSignal): Promise<void> {
    const first = lines[0]
    if (!first || first.seq === this.start || first.missed) return
    const again = (await this.read({ sinceSeq: this.start - 1, limitLines: 1 }, signal))[0]
    if (again?.seq === first.seq) lines[0] = again
  }

  /** after reads what follows a line, the start of the log after 0. */
  async after(seq: number, signal: AbortSignal): Promise<Fetched> {
    const since = Math.max(seq, this.start - 1)
    const all = await this.read({ sinceSeq: since, limitLines: this.size }, signal)
    const lines = this.part.end ? all.filter((line) => line.seq < this.part.end) : all
    const complete = all.length < this.size || lines.length < all.length
    return this.fetched(lines, since + 1, lines.at(-1)?.seq ?? since, complete, signal)
  }

  /** last is the number of the last line that the server selects, 0 without one. */
  async last(signal: AbortSignal): Promise<number> {
    return (await this.read({ beforeSeq: after, limitLines: 1 }, signal))[0]?.seq ?? 0
  }

  /** query is what the server selects. */
  query(more: Partial<LogQuery>): LogQuery {
    const { session, resources, filter } = this.part
    const query: LogQuery = { session, resources, ...more }
    if (filter.q) query.grep = expression(filter.q, filter.re)
    if (filter.level !== 'info') query.level = filter.level
    return query
  }

  /** select completes lines that the server has selected: without what is excluded, with context. */
  async select(lines: readonly LogLine[], from: number, to: number, signal: AbortSignal): Promise<Page> {
    if (contextual(this.part.filter)) return this.withContext(await this.kept(lines, signal), from, to, signal)
    return { lines: await this.kept(lines, signal), from, to }
  }

  /** find reads the lines after `since`, or before `before`, that an expression and the filter select, without context. */
  async find(grep: string, range: { since: number } | { before: number }, limitLines: number, signal: AbortSignal) {
    const { session, resources, filter, first, end } = this.part
    const query: LogQuery = { session, resources, limitLines, grep }
    if (filter.level !== 'info') query.level = filter.level
    if ('since' in range) query.sinceSeq = Math.max(range.since, first - 1, 0)
    else {
      query.beforeSeq = range.before
      if (first > 1) query.sinceSeq = first - 1
    }
    const all = await this.logs.read(query, signal)
    const inside = end ? all.filter((line) => line.seq < end) : all
    const found = await this.kept(await this.matching(inside, signal), signal)
    const complete = all.length < limitLines || inside.length < all.length
    return { seqs: found.map((line) => line.seq), first: all[0]?.seq ?? 0, last: inside.at(-1)?.seq ?? 0, complete }
  }

  private read(more: Partial<LogQuery>, signal: AbortSignal): Promise<LogLine[]> {
    const query = this.query(more)
    if (this.part.first > 1 && query.sinceSeq === undefined) query.sinceSeq = this.part.first - 1
    return this.logs.read(query, signal)
  }

  private async fetched(
    lines: LogLine[],
    from: number,
    to: number,
    complete: boolean,
    signal: AbortSignal,
  ): Promise<Fetched> {
    const last = lines.at(-1)?.seq ?? 0
    const page = await this.select(lines, from, to >= after - 1 ? last : to, signal)
    return { page, first: lines[0]?.seq ?? 0, last, complete }
  }

  /** kept leaves out the lines that the filter of the page excludes. */
  private async kept(lines: readonly LogLine[], signal: AbortSignal): Promise<readonly LogLine[]> {
    const { not, re, src } = this.part.filter
    let rest = src ? lines.filter((line) => !!line.own === (src === 'own')) : lines
    if (!not || rest.length === 0) return rest
    if (!re) {
      const excluded = literally(not)
      rest = rest.filter((line) => !excluded(line.text))
    } else {
      const excluded = await this.among(rest, not, signal)
      rest = rest.filter((line) => !excluded.has(line.seq))
    }
    return rest
  }

  /** matching leaves out the lines that don't have what the filter includes. */
  private async matching(lines: readonly LogLine[], signal: AbortSignal): Promise<readonly LogLine[]> {
    const { q, re } = this.part.filter
    if (!q || lines.length === 0) return lines
    if (!re) {
      const wanted = literally(q)
      return lines.filter((line) => wanted(line.text))
    }
    const matched = await this.among(lines, q, signal)
    return lines.filter((line) => matched.has(line.seq))
  }

  /** among are the numbers of the lines that the server finds with an expression. */
  private async among(lines: readonly LogLine[], grep: string, signal: AbortSignal): Promise<Set<number>> {
    const { session, resources } = this.part
    const sinceSeq = (lines[0]?.seq ?? 1) - 1
    const beforeSeq = (lines.at(-1)?.seq ?? 0) + 1
    const found = await this.logs.read({ session, resources, sinceSeq, beforeSeq, grep }, signal)
    return new Set(found.map((line) => line.seq))
  }

  private async withContext(hits: readonly LogLine[], from: number, to: number, signal: AbortSignal): Promise<Page> {
    const around = await inParallel(hits, (hit) => this.around(hit.seq, signal))
    const lines: LogLine[] = []
    const previous = new Map<number, number>()
    for (const [i, hit] of hits.entries()) {
      const { before, follows, rest } = around[i] ?? { before: [], follows: 0, rest: [] }
      const block = [...before, hit, ...rest].filter((line) => line.seq > (lines.at(-1)?.seq ?? 0))
      const first = [...before, hit][0]
      if (first && block[0] === first) previous.set(first.seq, follows)
      lines.push(...block)
    }
    return {
      lines,
      from: Math.min(from, lines[0]?.seq ?? from),
      to: Math.max(to, lines.at(-1)?.seq ?? to),
      previous,
    }
  }

  /** around reads the context of a line, and which line precedes it. */
  private async around(seq: number, signal: AbortSignal) {
    const { session, resources, filter } = this.part
    const read = (more: Partial<LogQuery>) => this.logs.read({ session, resources, ...more }, signal)
    const [before, rest] = await Promise.all([
      read({ beforeSeq: seq, limitLines: filter.ctx + 1 }),
      read({ sinceSeq: seq, limitLines: filter.ctx }),
    ])
    const follows = before.length > filter.ctx ? (before.shift()?.seq ?? 0) : 0
    return { before, follows, rest }
  }
}

/** contextual reports whether a filter adds lines around the ones that the server selects. */
function contextual(filter: Filter): boolean {
  return filter.ctx > 0 && (filter.q !== '' || filter.level !== 'info')
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let i = 0; i < items.length; i += parallel) {
    results.push(...(await Promise.all(items.slice(i, i + parallel).map(work))))
  }
  return results
}
