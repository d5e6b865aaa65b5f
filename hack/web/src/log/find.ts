// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { RequestError } from '../state/state'
import { expression } from './filter'
import { asRequestError } from './follower'
import type { Pages } from './pages'

const chunk = 1000

/** How many matches are counted. */
export const maxFound = 10_000

/** Find searches the part of the log that is shown, all of it, for a term. The server does. */
export class Find {
  /** The numbers of the lines that match, sorted. */
  seqs: number[] = []
  /** The search goes on. */
  searching = true
  /** There are more matches than are counted. */
  capped = false
  error: RequestError | undefined

  private from = 0
  private to = 0
  private readonly controller = new AbortController()

  constructor(
    private readonly pages: Pages,
    readonly term: string,
    readonly re: boolean,
    private readonly changed: () => void,
  ) {}

  /** start searches from a line to the end, then back to the start. `first` gets the first match that is found. */
  async start(seq: number, first: (seq: number) => void): Promise<void> {
    this.from = Math.max(1, seq)
    this.to = this.from - 1
    let told = false
    const tell = (found: number | undefined) => {
      if (told || found === undefined || this.controller.signal.aborted) return
      told = true
      first(found)
    }
    await this.run(async (signal) => {
      await this.forward(signal, () => tell(this.seqs[0]))
      await this.backward(signal)
      tell(this.seqs[0])
    })
  }

  /** more searches what was written since. */
  async more(): Promise<void> {
    if (this.searching || this.error || this.capped) return
    await this.run((signal) => this.forward(signal, () => {}))
  }

  /** next is the match after a line, or before it if direction is -1; it begins again at the other end. */
  next(seq: number, direction: 1 | -1): number | undefined {
    const { seqs } = this
    if (direction > 0) return seqs.find((found) => found > seq) ?? seqs[0]
    return seqs.findLast((found) => found < seq) ?? seqs.at(-1)
  }

  has(row: { seq: number; last: number }): boolean {
    const at = lowerBound(this.seqs, row.seq)
    return (this.seqs[at] ?? Number.POSITIVE_INFINITY) <= row.last
  }

  /** count is such as "3/17", as far as is known. */
  count(seq: number | undefined): string {
    const all = `${this.seqs.length}${this.capped || this.searching ? '+' : ''}`
    if (seq === undefined || this.seqs.length === 0) return all
    const at = lowerBound(this.seqs, seq)
    return this.seqs[at] === seq ? `${at + 1}/${all}` : all
  }

  close(): void {
    this.controller.abort()
  }

  private async run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.controller
    this.searching = true
    try {
      await work(signal)
    } catch (error) {
      if (!signal.aborted) this.error = asRequestError(error)
    }
    this.searching = false
    if (!signal.aborted) this.changed()
  }

  private async forward(signal: AbortSignal, found: () => void): Promise<void> {
    for (let complete = false; !complete && !this.full() && !signal.aborted; ) {
      const part = await this.pages.find(this.expression, { since: this.to }, chunk, signal)
      if (signal.aborted) return
      this.seqs.push(...part.seqs)
      this.to = part.last || this.to
      complete = part.complete
      found()
      this.changed()
    }
  }

  private async backward(signal: AbortSignal): Promise<void> {
    for (let complete = false; !complete && !this.full() && !signal.aborted; ) {
      const part = await this.pages.find(this.expression, { before: this.from }, chunk, signal)
      if (signal.aborted) return
      this.seqs = part.seqs.concat(this.seqs)
      this.from = part.first || this.from
      complete = part.complete
      this.changed()
    }
  }

  private get expression(): string {
    return expression(this.term, this.re)
  }

  private full(): boolean {
    this.capped ||= this.seqs.length >= maxFound
    return this.capped
  }
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}
