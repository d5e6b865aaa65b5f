// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Availability, Link } from '../state/state'
import type { Client } from './client'
import { loginEnded, notLoggedIn } from './reasons'
import type { Slots } from './slots'
import { nameOf, Objects, Sessions } from './store'
import type { Session, UIButton, UIResource } from './types'
import { type Health, type Sink, type Stored, type Timing, Watch } from './watch'

/** Kind is a set of objects that a Watch fills. */
interface Kind<T> {
  list(objects: T[], version: number): boolean
  put(object: T, version: number): boolean
  remove(name: string, version: number): boolean
}

const uiKinds = ['uiresources', 'uibuttons'] as const

/** Feed watches all kinds of objects that the page shows, and keeps what it knows of them while it is stopped. */
export class Feed {
  readonly sessions = new Sessions()
  readonly resources = new Objects<UIResource>()
  readonly buttons = new Objects<UIButton>()
  /** Counts changes. */
  version = 0
  link: Link = { state: 'connecting' }
  linkVersion = 0
  private readonly available: Record<(typeof uiKinds)[number], Availability> = {
    uiresources: 'loading',
    uibuttons: 'loading',
  }
  private running: AbortController | undefined
  private watches: { wake(): void }[] = []

  constructor(
    private readonly client: Client,
    private readonly changed: () => void,
    private readonly limits: { timing?: Timing; slots?: Slots } = {},
  ) {}

  /** Whether UIResources and UIButtons are served: the worse of both. */
  get ui(): Availability {
    const both = uiKinds.map((kind) => this.available[kind])
    const order: Availability[] = ['forbidden', 'absent', 'loading']
    return order.find((one) => both.includes(one)) ?? 'served'
  }

  /** start watches, unless it does already. */
  start(): void {
    if (this.running) return
    const running = new AbortController()
    this.running = running
    const sessions = new Watch<Session>(
      this.client,
      'sessions',
      this.sink(this.sessions, (health) => this.linked(health)),
      this.limits.timing,
      this.limits.slots,
    )
    const resources = this.uiWatch<UIResource>('uiresources', this.resources)
    const buttons = this.uiWatch<UIButton>('uibuttons', this.buttons)
    this.watches = [sessions, resources, buttons]
    for (const watch of [sessions, resources, buttons]) void watch.run(running.signal)
  }

  /** stop ends all requests. What is known is stale from now on, or there is no login. */
  stop(link: Link): void {
    this.running?.abort()
    this.running = undefined
    this.watches = []
    this.setLink(link)
  }

  get started(): boolean {
    return this.running !== undefined
  }

  /** over tells whether a Session is known to have ended, or to be gone. */
  over(session: string): boolean {
    const known = this.sessions.get(session)
    return this.link.state === 'live' && (!known || known.status?.done === true)
  }

  wake(): void {
    for (const watch of this.watches) watch.wake()
  }

  private uiWatch<T extends Stored>(kind: (typeof uiKinds)[number], objects: Kind<T>): Watch<T> {
    const health = (now: Health) => {
      if (now.live) this.availability(kind, 'served')
      else if (now.error.code === 404) this.availability(kind, 'absent')
      else if (now.error.code === 403) this.availability(kind, 'forbidden')
      else if (now.error.code === 401) this.loggedOut()
    }
    return new Watch(this.client, kind, this.sink(objects, health), this.limits.timing, this.limits.slots)
  }

  private sink<T extends Stored>(kind: Kind<T>, health: (health: Health) => void): Sink<T> {
    const step = (change: (version: number) => boolean) => {
      if (!change(this.version + 1)) return
      this.version++
      this.changed()
    }
    return {
      list: (objects) => step((version) => kind.list(objects.map(trimmed), version)),
      change: (type, object) =>
        step((version) =>
          type === 'DELETED' ? kind.remove(nameOf(object), version) : kind.put(trimmed(object), version),
        ),
      health,
    }
  }

  private linked(health: Health): void {
    if (health.live) {
      const again = this.link.state === 'stale'
      this.setLink({ state: 'live' })
      if (again) this.wake()
    } else if (health.error.code === 401) {
      this.loggedOut()
    } else if (health.error.code === 403) {
      this.setLink({ state: 'forbidden', reason: health.error.message })
    } else {
      const since = this.link.state === 'stale' ? this.link.since : health.since
      this.setLink({ state: 'stale', since, retry: health.retry, reason: health.error.message })
    }
  }

  private loggedOut(): void {
    this.stop({ state: 'login', reason: this.client.secret ? loginEnded : notLoggedIn })
  }

  private availability(kind: (typeof uiKinds)[number], now: Availability): void {
    if (this.available[kind] === now) return
    this.available[kind] = now
    this.linkVersion++
    this.changed()
  }

  private setLink(link: Link): void {
    if (this.link.state === 'live' && link.state === 'live') return
    this.link = link
    this.linkVersion++
    this.changed()
  }
}

/** trimmed is an object without what the page doesn't use. */
function trimmed<T extends Stored>(object: T): T {
  if (object.metadata && 'managedFields' in object.metadata) {
    const { managedFields: _, ...metadata } = object.metadata as { managedFields: unknown }
    return { ...object, metadata }
  }
  return object
}
