// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { type LogQuery, RequestError } from '../state/state'
import type { Client } from './client'
import { lineBatches, parseLines } from './lines'
import type { Slots } from './slots'
import type { LogLine } from './types'
import { Backoff, guarded, Silence, type Wake } from './wait'

/** logPath is the path of a log. */
export function logPath(query: LogQuery, follow = false): string {
  const params = new URLSearchParams({ format: 'json' })
  for (const resource of query.resources) params.append('resources', resource)
  const { sinceSeq, beforeSeq, limitLines, tailLines } = query
  for (const [name, value] of Object.entries({ sinceSeq, beforeSeq, limitLines, tailLines })) {
    if (value !== undefined) params.set(name, String(value))
  }
  if (query.grep) params.set('grep', query.grep)
  if (query.level && query.level !== 'info') params.set('level', query.level)
  if (follow) params.set('follow', 'true')
  return `sessions/${encodeURIComponent(query.session)}/log?${params}`
}

/** Reading is where the lines of a Follow go. */
export interface Reading {
  /** The next lines are read when it resolves. */
  lines(batch: LogLine[]): Promise<void> | undefined
  ended(error?: RequestError): void
  /** Whether the Session has ended, so that nothing is added to its log. */
  over(): boolean
}

/** A follow without a slot reads so often, at most so many lines. */
const poll = { every: 1_000, lines: 5_000 }

/** A connection that doesn't answer for so long is dead; a quiet log is asked again. */
const silence = 90_000

/** Without a login another attempt is made after so long, or at the next login. */
const loggedOut = 60_000

/**
 * Follow reads a log until it ends, by a stream while it has a slot, else by a short request each second. After a
 * failure it continues behind the last line.
 */
export class Follow {
  private position: number | undefined
  private readonly backoff = new Backoff()

  constructor(
    private readonly client: Client,
    private readonly query: LogQuery,
    private readonly slots: Slots,
    private readonly waking: Wake,
    private readonly out: Reading,
  ) {
    this.position = query.sinceSeq
  }

  /** run returns when the log has ended or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await this.read(signal)) {
          if (!signal.aborted) this.out.ended()
          return
        }
        this.backoff.reset()
      } catch (cause) {
        if (signal.aborted) return
        if (cause instanceof Silence) continue
        const error = cause instanceof RequestError ? cause : new RequestError(0, 'Unreachable', String(cause))
        if (final(error)) {
          this.out.ended(error)
          return
        }
        await this.waking.wait(error.code === 401 ? loggedOut : this.backoff.next(), signal)
      }
    }
  }

  /** read tells whether the log has ended: a stream also ends with its server, though the Session goes on elsewhere. */
  private async read(signal: AbortSignal): Promise<boolean> {
    const release = await this.slots.take()
    // The stream of a log that has ended is a short request.
    if (!release && !this.out.over()) {
      await this.poll(signal)
      return false
    }
    try {
      await this.stream(signal)
    } finally {
      release?.()
    }
    if (this.out.over()) return true
    await this.waking.wait(poll.every, signal)
    return false
  }

  private async stream(signal: AbortSignal): Promise<void> {
    await guarded(signal, this.waking, silence, async (guard, arrived) => {
      const answer = await this.client.get(logPath(this.next(), true), guard)
      this.backoff.reset()
      await this.lines(answer, arrived)
    })
  }

  private async poll(signal: AbortSignal): Promise<void> {
    const query = this.next()
    if (query.tailLines === undefined) query.limitLines = poll.lines
    const count = await this.lines(await this.client.get(logPath(query), signal))
    if (count < poll.lines) await this.waking.wait(poll.every, signal)
  }

  /** next is the query for what hasn't been read. */
  private next(): LogQuery {
    const { beforeSeq: _, limitLines: __, ...query } = this.query
    if (this.position === undefined) return query
    const { tailLines: ___, ...rest } = query
    return { ...rest, sinceSeq: this.position }
  }

  private async lines(answer: Response, arrived?: () => void): Promise<number> {
    let count = 0
    if (!answer.body) return count
    for await (const batch of lineBatches(answer.body, arrived)) {
      const lines = parseLines<LogLine>(batch)
      this.position = lines.at(-1)?.seq ?? this.position
      count += lines.length
      await this.out.lines(lines)
    }
    return count
  }
}

/** final tells whether another attempt is useless: all refusals but those of a login, of a limit or of a failure. */
function final({ code }: RequestError): boolean {
  return code >= 400 && code < 500 && code !== 401 && code !== 408 && code !== 429
}
