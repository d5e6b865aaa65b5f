// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { RequestError } from '../state/state'
import type { Message, Update } from './protocol'
import type { LogLine } from './types'

/** Port is the part of a MessagePort that is used here. */
export interface Port {
  postMessage(message: unknown): void
  onmessage: ((event: MessageEvent) => void) | null
  close(): void
}

/** A tab gets at most one message of objects in so many ms: when it is seen, when not. */
const pace = { seen: 50, unseen: 1_000 }

/** Of so many lines that wait for a tab the reader of the log waits as well. */
const enough = 20_000

/** Tab is what the hub knows of a tab. It collects what the tab is sent while the tab is busy, or frozen. */
export class Tab {
  /** The tab has everything up to this version. */
  version = 0
  seen: 'yes' | 'no' | 'long' = 'yes'
  readonly follows = new Map<number, AbortController>()
  private readonly lines = new Map<number, LogLine[]>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private last = 0
  private busy = false
  private changes = false
  private drained: (() => void)[] = []

  constructor(
    private readonly port: Port,
    /** Tells what has changed since the version of the tab. */
    private readonly update: (tab: Tab) => Update | undefined,
  ) {}

  send(message: Message): void {
    this.port.postMessage(message)
  }

  /** changed sends what is new, at once if nothing was sent lately. */
  changed(): void {
    this.changes = true
    if (this.timer !== undefined || this.busy || this.seen === 'long') return
    const wait = this.last + (this.seen === 'yes' ? pace.seen : pace.unseen) - Date.now()
    if (wait <= 0) this.flush()
    else this.timer = setTimeout(() => this.flush(), wait)
  }

  /** ready is called when the tab has taken over what it was sent. */
  ready(): void {
    this.busy = false
    if (this.changes) this.changed()
  }

  /** hurry sends what waits, as when the tab is seen again. */
  hurry(): void {
    if (this.timer !== undefined && !this.busy) this.flush()
  }

  /** add collects lines. It resolves when there is room for more. */
  async add(id: number, batch: LogLine[]): Promise<void> {
    const waiting = this.lines.get(id)
    if (waiting) for (const line of batch) waiting.push(line)
    else this.lines.set(id, batch)
    this.changed()
    if ((this.lines.get(id)?.length ?? 0) < enough) return
    await new Promise<void>((resolve) => this.drained.push(resolve))
  }

  ended(id: number, error?: RequestError): void {
    this.flush()
    this.follows.delete(id)
    const refusal = error && { code: error.code, reason: error.reason, message: error.message }
    this.send({ type: 'ended', id, ...(refusal && { error: refusal }) })
  }

  unfollow(id: number): void {
    this.follows.get(id)?.abort()
    this.follows.delete(id)
    this.lines.delete(id)
    this.drain()
  }

  close(): void {
    clearTimeout(this.timer)
    for (const id of [...this.follows.keys()]) this.unfollow(id)
    this.port.onmessage = null
    this.port.close()
  }

  private flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.last = Date.now()
    this.changes = false
    const update = this.update(this)
    if (update) this.send(update)
    for (const [id, lines] of this.lines) this.send({ type: 'lines', id, lines })
    this.busy = update !== undefined || this.lines.size > 0
    if (this.busy) this.send({ type: 'sync' })
    this.lines.clear()
    this.drain()
  }

  private drain(): void {
    for (const resolve of this.drained.splice(0)) resolve()
  }
}
