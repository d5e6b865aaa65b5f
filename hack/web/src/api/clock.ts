// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** A difference below this is that of the header, which has whole seconds, and of the network. */
const tolerance = 2_000

/** Offset is how far the clock of the server is ahead of this machine's, in ms, by the dates of its answers. */
export class Offset {
  private best = Number.NEGATIVE_INFINITY

  /** heard tells whether an answer has changed the offset. The header is late by up to a second, never early. */
  heard(answer: Response): boolean {
    const date = Date.parse(answer.headers.get('Date') ?? '')
    if (Number.isNaN(date)) return false
    const before = this.value
    const now = date - Date.now()
    // Much less than before is another clock: one of both was set.
    this.best = now < this.best - 2 * tolerance ? now : Math.max(this.best, now)
    return this.value !== before
  }

  get value(): number {
    return Math.abs(this.best) < tolerance || !Number.isFinite(this.best) ? 0 : this.best
  }
}
