// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { RequestError } from '../state/state'
import { type Client, statusError } from './client'
import { lineBatches } from './lines'
import type { Slots } from './slots'
import { Backoff, guarded, Silence, Wake } from './wait'

/** Stored is what all objects of the API have. */
export interface Stored {
  metadata?: { name?: string; uid?: string; resourceVersion?: string }
}

/** Health is how a Watch goes: it is live, or has failed at `since` and tries again at `retry`, in ms of the epoch. */
export type Health = { live: true } | { live: false; error: RequestError; since: number; retry: number }

/** Sink gets what a Watch reads. Only `run` calls it. */
export interface Sink<T> {
  /** All objects of the kind: what it had before and isn't among them is gone. */
  list(objects: T[]): void
  change(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void
  health(health: Health): void
}

/** Timing of a Watch in ms. */
export interface Timing {
  /** A stream that is silent for so long is dead. The server sends a bookmark each minute. */
  silence: number
  /** When a kind that isn't served, or that the user may not read, is asked for again. */
  refused: number
  random(): number
}

export const timing: Timing = { silence: 90_000, refused: 60_000, random: Math.random }

/** A Watch without a connection for a stream lists so often, in ms. */
const poll = 2_000

interface Event<T> {
  type: string
  object: T & { code?: number }
}

/**
 * Watch keeps a Sink in step with all objects of a kind, by LIST and WATCH. It continues at the last resourceVersion
 * after a stream has ended, and lists anew when the server doesn't have that one any more.
 */
export class Watch<T extends Stored> {
  private version: string | undefined
  private readonly backoff: Backoff
  private readonly waking = new Wake()

  constructor(
    private readonly client: Client,
    private readonly kind: string,
    private readonly sink: Sink<T>,
    private readonly limits: Timing = timing,
    /** The connections for streams; undefined if there is one for this Watch. Without one it lists again and again. */
    private readonly slots?: Slots,
  ) {
    this.backoff = new Backoff(limits.random)
  }

  /** wake tries again at once, and doubts a stream that was silent for long. */
  wake(): void {
    this.backoff.reset()
    this.waking.now()
  }

  /** run returns when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const started = Date.now()
      try {
        if (this.version === undefined) await this.list(signal)
        await this.read(signal)
        if (Date.now() - started < 500) await this.waking.wait(500, signal)
      } catch (cause) {
        if (!signal.aborted) await this.recover(cause, signal)
      }
    }
  }

  private async recover(cause: unknown, signal: AbortSignal): Promise<void> {
    if (cause instanceof Silence && cause.doubted) return
    const error = cause instanceof RequestError ? cause : new RequestError(0, 'Unreachable', String(cause))
    // The version may be that of another server, or too old, in which case nothing is wrong.
    const expired = error.code === 410 && this.version !== undefined
    if (error.code !== 0) this.version = undefined
    if (expired) return
    const refused = error.code === 403 || error.code === 404
    const delay = refused ? this.limits.refused : this.backoff.next()
    const now = Date.now()
    const since = error instanceof Silence ? error.since : now
    this.sink.health({ live: false, error, since, retry: now + delay })
    await this.waking.wait(delay, signal)
  }

  private async list(signal: AbortSignal): Promise<void> {
    await guarded(signal, this.waking, this.limits.silence, async (guard) => {
      const answer = await this.client.get(this.kind, guard)
      const list = (await answer.json()) as { metadata?: { resourceVersion?: string }; items?: T[] }
      this.version = list.metadata?.resourceVersion ?? ''
      this.sink.list(list.items ?? [])
      this.healthy()
    })
  }

  private async read(signal: AbortSignal): Promise<void> {
    const release = this.slots ? await this.slots.take() : () => {}
    if (!release) {
      await this.waking.wait(poll, signal)
      this.version = undefined
      return
    }
    try {
      await this.follow(signal)
    } finally {
      release()
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ watch: 'true', allowWatchBookmarks: 'true' })
    if (this.version) query.set('resourceVersion', this.version)
    await guarded(signal, this.waking, this.limits.silence, async (guard, arrived) => {
      const answer = await this.client.get(`${this.kind}?${query}`, guard)
      this.healthy()
      if (!answer.body) return
      for await (const lines of lineBatches(answer.body, arrived)) {
        for (const line of lines) this.event(JSON.parse(line) as Event<T>)
      }
    })
  }

  private event({ type, object }: Event<T>): void {
    if (type === 'ERROR') throw statusError(object, 500)
    this.version = object.metadata?.resourceVersion ?? this.version
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') this.sink.change(type, object)
  }

  private healthy(): void {
    this.backoff.reset()
    this.sink.health({ live: true })
  }
}
