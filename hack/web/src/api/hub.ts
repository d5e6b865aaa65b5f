// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogQuery } from '../state/state'
import { Client, type Fetch } from './client'
import { Offset } from './clock'
import { Feed } from './feed'
import { Follow } from './follow'
import type { Request, Update } from './protocol'
import { loggedOut } from './reasons'
import { CountedSlots, type Slots } from './slots'
import { type Port, Tab } from './tab'
import { Wake } from './wait'
import type { Timing } from './watch'

/** Surroundings are what a hub gets of the browser. */
export interface Surroundings {
  fetch?: Fetch
  /** A lock that a tab holds is granted to another when the tab is gone. */
  locks?: Pick<LockManager, 'request'> | undefined
  /** The lock that the hub holds as long as it lives. */
  lock?: string | undefined
  timing?: Timing
  /** The connections for streams, if other hubs take them too; else this one has all. */
  slots?: Slots
}

/** Logs that are followed by streams. With three watches that leaves one of six connections for short requests. */
const streams = 2

/**
 * Hub reads the API once for all tabs: it holds the watches and the logs that are followed, and sends each tab what
 * has changed. It ends its requests while no tab wants anything.
 */
export class Hub {
  private readonly tabs = new Map<Tab, { link: number }>()
  private readonly slots: Slots
  private readonly waking = new Wake()
  private readonly offset = new Offset()
  private client: Client | undefined
  private feed: Feed | undefined

  constructor(private readonly surroundings: Surroundings = {}) {
    this.slots = surroundings.slots ?? new CountedSlots(streams)
  }

  /** connect serves a tab, whose first message is a hello. */
  connect(port: Port): void {
    const tab = new Tab(port, (tab) => this.update(tab))
    port.onmessage = ({ data }) => this.answer(tab, data as Request)
  }

  private answer(tab: Tab, request: Request): void {
    switch (request.type) {
      case 'hello':
        this.hello(tab, request)
        break
      case 'login':
        this.login(request.secret)
        break
      case 'seen':
        this.see(tab, request.seen)
        break
      case 'ready':
        tab.ready()
        break
      case 'wake':
        this.wake()
        break
      case 'follow':
        this.follow(tab, request.id, request.query)
        break
      case 'unfollow':
        tab.unfollow(request.id)
        break
      case 'bye':
        this.leave(tab)
    }
  }

  private see(tab: Tab, seen: Tab['seen']): void {
    tab.seen = seen
    this.rest()
    if (seen === 'yes') {
      this.wake()
      tab.hurry()
    }
    tab.changed()
  }

  private hello(tab: Tab, { page, secret, lock }: Request & { type: 'hello' }): void {
    this.tabs.set(tab, { link: -1 })
    if (!this.client || !this.feed) {
      this.client = new Client(new URL(page), this.surroundings.fetch, (answer) => this.heard(answer))
      this.feed = new Feed(this.client, () => this.changed(), this.surroundings)
    }
    if (secret) this.login(secret)
    tab.send({ type: 'welcome', lock: this.surroundings.lock })
    if (this.offset.value !== 0) tab.send({ type: 'time', offset: this.offset.value })
    this.rest()
    tab.changed()
    if (lock) void this.surroundings.locks?.request(lock, () => this.leave(tab)).catch(() => {})
  }

  /** login uses another login for all tabs, or none. */
  private login(secret: string | undefined): void {
    if (!this.client || !this.feed) return
    if (secret === this.client.secret && (!secret || this.feed.link.state !== 'login')) return
    this.client.secret = secret
    this.feed.stop(secret ? { state: 'connecting' } : { state: 'login', reason: loggedOut })
    this.rest()
    this.waking.now()
  }

  private leave(tab: Tab): void {
    tab.close()
    this.tabs.delete(tab)
    this.rest()
  }

  /** rest ends the watches while no tab wants anything, and starts them when one does. */
  private rest(): void {
    const { feed } = this
    if (!feed) return
    const wanted = [...this.tabs.keys()].some((tab) => tab.seen !== 'long')
    if (wanted && !feed.started && feed.link.state !== 'login') feed.start()
    if (!wanted && feed.started) {
      const now = Date.now()
      feed.stop({ state: 'stale', since: now, retry: now, reason: 'the page was not seen for long' })
    }
  }

  private wake(): void {
    this.waking.now()
    this.feed?.wake()
  }

  private changed(): void {
    for (const tab of this.tabs.keys()) tab.changed()
  }

  private heard(answer: Response): void {
    if (!this.offset.heard(answer)) return
    for (const tab of this.tabs.keys()) tab.send({ type: 'time', offset: this.offset.value })
  }

  private follow(tab: Tab, id: number, query: LogQuery): void {
    if (!this.client) return
    const controller = new AbortController()
    tab.follows.set(id, controller)
    const { signal } = controller
    const follow = new Follow(this.client, query, this.slots, this.waking, {
      lines: (batch) => (signal.aborted ? undefined : tab.add(id, batch)),
      ended: (error) => tab.ended(id, error),
      over: () => this.feed?.over(query.session) === true,
    })
    void follow.run(signal)
  }

  private update(tab: Tab): Update | undefined {
    const { feed } = this
    const sent = this.tabs.get(tab)
    if (!feed || !sent) return undefined
    const since = tab.version
    tab.version = feed.version
    const sessions = feed.sessions.since(since)
    const resources = feed.resources.since(since)
    const buttons = feed.buttons.since(since)
    const link = sent.link !== feed.linkVersion
    sent.link = feed.linkVersion
    if (!link && !sessions && !resources && !buttons) return undefined
    return {
      type: 'update',
      ...(link && { link: feed.link, ui: feed.ui }),
      ...(sessions && { sessions }),
      ...(resources && { resources }),
      ...(buttons && { buttons }),
    }
  }
}
