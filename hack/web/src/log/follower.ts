// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'
import { type LogQuery, type Logs, RequestError } from '../state/state'

/** Phase is what the feed has of the log. */
export type Phase =
  | { name: 'loading' }
  | { name: 'ready' }
  /** The server doesn't answer; the feed tries again. */
  | { name: 'retrying'; error: RequestError }
  | { name: 'refused'; error: RequestError }

/** Soon runs something before the next frame, or later while the page isn't visible. */
export type Soon = (work: () => void) => void

/** How long it takes until something is tried again, in ms. */
export const pause = 2000

/**
 * Follower follows a log and hands its lines on, those of a frame together and never more before `take` has finished
 * with the ones before.
 */
export class Follower {
  private readonly controller = new AbortController()
  private queue: LogLine[] = []
  private taking = false

  constructor(
    logs: Logs,
    query: LogQuery,
    private readonly take: (lines: LogLine[], signal: AbortSignal) => Promise<void>,
    private readonly ended: (error?: RequestError) => void,
    private readonly soon: Soon,
  ) {
    const { signal } = this.controller
    logs.follow(
      query,
      (lines) => this.receive(lines),
      (error) => !signal.aborted && this.soon(() => !signal.aborted && this.ended(error)),
      signal,
    )
  }

  stop(): void {
    this.controller.abort()
    this.queue = []
  }

  private receive(lines: readonly LogLine[]): void {
    if (this.controller.signal.aborted) return
    for (const line of lines) this.queue.push(line)
    if (this.taking || this.queue.length === 0) return
    this.taking = true
    this.soon(() => void this.flush())
  }

  private async flush(): Promise<void> {
    const { signal } = this.controller
    const lines = this.queue
    this.queue = []
    try {
      if (!signal.aborted) await this.take(lines, signal)
    } catch (cause) {
      const error = asRequestError(cause)
      if (temporary(error)) {
        this.queue = lines.concat(this.queue)
        setTimeout(() => void this.flush(), pause)
        return
      }
      if (!signal.aborted) this.ended(error)
    }
    this.taking = false
    this.receive([])
  }
}

/** temporary reports whether a request may succeed if it is made again. */
export function temporary({ code }: RequestError): boolean {
  return code === 0 || code === 429 || code >= 500
}

/** asRequestError is any error as a RequestError; code 0 is for what isn't an answer of the server. */
export function asRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error
  return new RequestError(0, 'Unknown', error instanceof Error ? error.message : String(error))
}
