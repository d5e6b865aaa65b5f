// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'

/** How many lines are kept. */
const limit = 5000

/** Behind has the newest lines that were followed while the window isn't at the end of the log. */
export class Behind {
  /** The last line that isn't kept any more. */
  forgotten = 0
  private lines: LogLine[] = []

  keep(lines: readonly LogLine[]): void {
    this.lines = this.lines.concat(lines)
    const over = this.lines.length - limit
    if (over > 0) this.forget(this.lines.splice(0, over).at(-1)?.seq ?? 0)
  }

  forget(seq: number): void {
    this.forgotten = Math.max(this.forgotten, seq)
  }

  /** take returns the lines after `seq`, and keeps none. */
  take(seq: number): LogLine[] {
    const { lines } = this
    this.lines = []
    return lines.filter((line) => line.seq > seq)
  }
}
