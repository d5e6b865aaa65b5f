// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { Update } from '../api/protocol'
import { share } from '../api/share'
import { type Delta, nameOf, type SessionChange } from '../api/store'
import type { Session, Target, UIButton, UIResource } from '../api/types'
import type { Stored } from '../api/watch'
import type { Availability, Link, State } from './state'

/** The annotations of UIResources and UIButtons. */
const annotations = { session: 'session.tilt.dev/session', name: 'session.tilt.dev/resource' }

type Annotated = Stored & { metadata?: { annotations?: Record<string, string> } }

/** Mirror is the State of this tab, which follows the Updates of the hub. */
export class Mirror implements State {
  readonly link = signal<Link>({ state: 'connecting' })
  readonly ui = signal<Availability>('loading')
  readonly user = signal<{ name: string; viewOnly: boolean } | undefined>(undefined)
  readonly sessions = signal<ReadonlyMap<string, Session>>(new Map())
  private readonly parts = new Map<string, Parts>()
  private readonly resourceMaps = new Grouped<UIResource>((object) => object.metadata?.annotations?.[annotations.name])
  private readonly buttonMaps = new Grouped<UIButton>(nameOf)

  resources(session: string): ReadonlySignal<ReadonlyMap<string, UIResource>> {
    return this.resourceMaps.of(session)
  }

  buttons(session: string): ReadonlySignal<ReadonlyMap<string, UIButton>> {
    return this.buttonMaps.of(session)
  }

  /** apply takes an Update over. What depends on the State sees all of it at once. */
  apply(update: Update): void {
    batch(() => {
      if (update.sessions) this.applySessions(update.sessions)
      if (update.resources) this.resourceMaps.apply(update.resources)
      if (update.buttons) this.buttonMaps.apply(update.buttons)
      if (update.ui) this.ui.value = update.ui
      if (update.link) this.link.value = update.link
    })
  }

  private applySessions({ changed, removed }: Delta<SessionChange>): void {
    const sessions = new Map(this.sessions.peek())
    for (const name of removed) {
      sessions.delete(name)
      this.parts.delete(name)
    }
    for (const change of changed) {
      const session = this.changed(change)
      if (session) sessions.set(change.name, session)
    }
    this.sessions.value = new Map([...sessions].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  private changed({ name, rest, order, targets }: SessionChange): Session | undefined {
    const parts = this.parts.get(name) ?? { targets: new Map<string, Target>(), order: [], list: [] }
    this.parts.set(name, parts)
    if (rest) parts.rest = share(parts.rest, rest)
    for (const [key, target] of targets) parts.targets.set(key, share(parts.targets.get(key), target))
    if (order) reorder(parts, order)
    if (order || targets.length > 0) parts.list = parts.order.flatMap((key) => parts.targets.get(key) ?? [])
    if (!parts.rest?.status) return parts.rest
    return { ...parts.rest, status: { ...parts.rest.status, targets: parts.list } }
  }
}

/** Parts are what a Session is put together of. */
interface Parts {
  /** The Session without its targets. */
  rest?: Session
  targets: Map<string, Target>
  order: string[]
  list: Target[]
}

function reorder(parts: Parts, order: string[]): void {
  const keys = new Set(order)
  for (const key of parts.targets.keys()) if (!keys.has(key)) parts.targets.delete(key)
  parts.order = order
}

/** Grouped are objects of many Sessions, a map for each, by a name. */
class Grouped<T extends Annotated> {
  private readonly maps = new Map<string, Signal<ReadonlyMap<string, T>>>()
  /** Where each object is, by its own name. */
  private readonly places = new Map<string, { session: string; key: string }>()

  constructor(private readonly keyOf: (object: T) => string | undefined) {}

  of(session: string): Signal<ReadonlyMap<string, T>> {
    const known = this.maps.get(session)
    if (known) return known
    const created = signal<ReadonlyMap<string, T>>(new Map())
    this.maps.set(session, created)
    return created
  }

  apply({ changed, removed }: Delta<T>): void {
    const next = new Map<string, Map<string, T>>()
    const draft = (session: string) => {
      const known = next.get(session) ?? new Map(this.of(session).peek())
      next.set(session, known)
      return known
    }
    for (const name of removed) this.forget(name, draft)
    for (const object of changed) {
      const name = nameOf(object)
      const session = object.metadata?.annotations?.[annotations.session] ?? ''
      const key = this.keyOf(object) ?? name
      const place = this.places.get(name)
      if (place && (place.session !== session || place.key !== key)) this.forget(name, draft)
      this.places.set(name, { session, key })
      draft(session).set(key, share(draft(session).get(key), object))
    }
    for (const [session, map] of next) this.of(session).value = map
  }

  private forget(name: string, draft: (session: string) => Map<string, T>): void {
    const place = this.places.get(name)
    if (!place) return
    draft(place.session).delete(place.key)
    this.places.delete(name)
  }
}
