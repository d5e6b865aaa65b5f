// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogQuery, RequestError } from '../state/state'
import type { Message, Request } from './protocol'
import { alive } from './slots'
import type { Port } from './tab'
import { trustedURL } from './trusted'
import workerURL from './worker.ts?worker&url'

/** A tab that isn't seen for so long wants nothing more, unless it notifies. */
const long = 30 * 60_000

/** Connection is that of this tab with the hub, which is in a SharedWorker where there are such, else in this tab. */
export class Connection {
  private hello: (Request & { type: 'hello' }) | undefined
  private queue: Request[] = []
  private port: Port | undefined
  private readonly follows = new Map<number, Following>()
  private ids = 0
  private welcomed = false

  constructor(private readonly receive: (message: Message) => void) {}

  /** start says hello. Everything sent before waits for it. */
  async start(page: URL, secret: string | undefined): Promise<void> {
    this.hello = { type: 'hello', page: page.href, secret, lock: await alive() }
    const worker = sharedWorker()
    if (!worker) return this.open(await ownHub())
    // A worker that doesn't start, or that says nothing, is replaced by the same code in this tab.
    const timer = setTimeout(() => void this.replace(), 5_000)
    worker.addEventListener('error', () => {
      clearTimeout(timer)
      void this.replace()
    })
    this.open(worker.port)
  }

  private async replace(): Promise<void> {
    if (this.welcomed) return
    this.welcomed = true
    this.port?.close()
    this.open(await ownHub())
  }

  private open(port: Port): void {
    this.port = port
    port.onmessage = ({ data }) => this.message(data as Message)
    if (this.hello) port.postMessage(this.hello)
    for (const request of this.queue) port.postMessage(request)
    if (this.welcomed) this.queue = []
  }

  send(request: Request): void {
    this.port?.postMessage(request)
    // What a worker that never starts was sent is sent to what replaces it.
    if (!this.welcomed || !this.port) this.queue.push(request)
  }

  follow(query: LogQuery, following: Following, signal: AbortSignal): void {
    if (signal.aborted) return
    const id = ++this.ids
    this.follows.set(id, following)
    this.send({ type: 'follow', id, query })
    signal.addEventListener('abort', () => {
      if (this.follows.delete(id)) this.send({ type: 'unfollow', id })
    })
  }

  /** watchTab tells the hub when the tab is seen, leaves, and comes back. */
  watchTab(notifies: () => boolean): void {
    let timer: ReturnType<typeof setTimeout> | undefined
    const seen = () => {
      clearTimeout(timer)
      const hidden = document.visibilityState === 'hidden'
      this.send({ type: 'seen', seen: hidden ? 'no' : 'yes' })
      if (hidden) timer = setTimeout(() => notifies() || this.send({ type: 'seen', seen: 'long' }), long)
    }
    document.addEventListener('visibilitychange', seen)
    addEventListener('online', () => this.send({ type: 'wake' }))
    addEventListener('pagehide', (event: Event) => {
      // A page in the browser's cache may come back as it is.
      if (!(event as PageTransitionEvent).persisted) this.send({ type: 'bye' })
    })
    if (document.visibilityState === 'hidden') seen()
  }

  private message(message: Message): void {
    if (message.type === 'welcome') {
      this.welcomed = true
      this.queue = []
      // A worker that has crashed says nothing any more. Loaded again, the page starts another one.
      if (message.lock) void navigator.locks.request(message.lock, () => setTimeout(() => location.reload(), 2_000))
    } else if (message.type === 'sync') {
      this.port?.postMessage({ type: 'ready' } satisfies Request)
    } else if (message.type === 'lines') {
      this.follows.get(message.id)?.lines(message.lines)
    } else if (message.type === 'ended') {
      const following = this.follows.get(message.id)
      this.follows.delete(message.id)
      following?.ended(message.error)
    } else {
      this.receive(message)
    }
  }
}

/** Following gets what a log that is followed has. */
export interface Following {
  lines(batch: (Message & { type: 'lines' })['lines']): void
  ended(error?: Pick<RequestError, 'code' | 'reason' | 'message'>): void
}

function sharedWorker(): SharedWorker | undefined {
  if (typeof SharedWorker !== 'function') return undefined
  try {
    const url = trustedURL(new URL(workerURL, import.meta.url))
    return new SharedWorker(url, { type: 'module', name: 'tilt-session' })
  } catch {
    return undefined
  }
}

async function ownHub(): Promise<Port> {
  const { Hub, LockedSlots } = await import('./own')
  const { port1, port2 } = new MessageChannel()
  new Hub(navigator.locks ? { slots: new LockedSlots(navigator.locks, 5) } : {}).connect(port2)
  return port1
}
