// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { equal } from './share'
import type { Session, Target } from './types'
import type { Stored } from './watch'

/** Delta is how the objects of a kind differ from those at an earlier version. */
export interface Delta<C> {
  changed: C[]
  removed: string[]
}

/** SessionChange is what has changed of a Session. `targets` are by key, see targetKeys. */
export interface SessionChange {
  name: string
  /** The Session without its targets, if it has changed but for them. */
  rest?: Session
  /** The keys of all targets in their order, if that has changed. */
  order?: string[]
  targets: [key: string, target: Target][]
}

/** targetKeys are the names of targets, made unique. */
export function targetKeys(targets: readonly Target[]): string[] {
  const seen = new Set<string>()
  return targets.map(({ name }, i) => {
    const key = seen.has(name) ? `${name}\n${i}` : name
    seen.add(key)
    return key
  })
}

interface Entry<T> {
  object: T
  version: number
}

/** Objects are the objects of a kind, each with the version at which it has changed last. */
export class Objects<T extends Stored> {
  private entries = new Map<string, Entry<T>>()
  private readonly tombstones = new Map<string, number>()

  /** list replaces all objects, and tells whether that has changed something. */
  list(objects: T[], version: number): boolean {
    let changed = false
    const names = new Set(objects.map(nameOf))
    for (const name of this.entries.keys()) if (!names.has(name)) changed = this.remove(name, version) || changed
    for (const object of objects) changed = this.put(object, version) || changed
    return changed
  }

  put(object: T, version: number): boolean {
    const name = nameOf(object)
    const known = this.entries.get(name)
    if (known && same(known.object, object)) return false
    this.entries.set(name, { object, version })
    this.tombstones.delete(name)
    return true
  }

  remove(name: string, version: number): boolean {
    if (this.entries.delete(name)) this.tombstones.set(name, version)
    return this.tombstones.get(name) === version
  }

  /** since is what has changed after a version; undefined if nothing has. */
  since(version: number): Delta<T> | undefined {
    const changed: T[] = []
    for (const entry of this.entries.values()) if (entry.version > version) changed.push(entry.object)
    return delta(changed, this.tombstones, version)
  }
}

interface SessionEntry {
  rest: Session
  version: number
  order: string[]
  orderVersion: number
  targets: Map<string, Entry<Target>>
}

/** Sessions are the Sessions, with the version of each of their targets. */
export class Sessions {
  private readonly entries = new Map<string, SessionEntry>()
  private readonly tombstones = new Map<string, number>()

  list(sessions: Session[], version: number): boolean {
    let changed = false
    const names = new Set(sessions.map(nameOf))
    for (const name of this.entries.keys()) if (!names.has(name)) changed = this.remove(name, version) || changed
    for (const session of sessions) changed = this.put(session, version) || changed
    return changed
  }

  put(session: Session, version: number): boolean {
    const { targets = [], ...status } = session.status ?? {}
    const rest = { ...session, ...(session.status && { status }) } as Session
    const name = nameOf(session)
    const known = this.entries.get(name)
    const entry: SessionEntry = known ?? { rest, version, order: [], orderVersion: version, targets: new Map() }
    let changed = !known
    if (known && !equal(known.rest, rest)) {
      entry.rest = rest
      entry.version = version
      changed = true
    }
    if (putTargets(entry, targets, version)) changed = true
    this.entries.set(name, entry)
    this.tombstones.delete(name)
    return changed
  }

  remove(name: string, version: number): boolean {
    if (this.entries.delete(name)) this.tombstones.set(name, version)
    return this.tombstones.get(name) === version
  }

  /** get is a Session without its targets. */
  get(name: string): Session | undefined {
    return this.entries.get(name)?.rest
  }

  since(version: number): Delta<SessionChange> | undefined {
    const changed: SessionChange[] = []
    for (const [name, entry] of this.entries) {
      const change = changeOf(name, entry, version)
      if (change) changed.push(change)
    }
    return delta(changed, this.tombstones, version)
  }
}

function putTargets(entry: SessionEntry, targets: readonly Target[], version: number): boolean {
  const order = targetKeys(targets)
  const known = entry.targets
  let changed = false
  targets.forEach((target, i) => {
    const key = order[i] ?? target.name
    const before = known.get(key)
    if (before && equal(before.object, target)) return
    known.set(key, { object: target, version })
    changed = true
  })
  if (equal(entry.order, order)) return changed
  const names = new Set(order)
  for (const key of known.keys()) if (!names.has(key)) known.delete(key)
  entry.order = order
  entry.orderVersion = version
  return true
}

function changeOf(name: string, entry: SessionEntry, version: number): SessionChange | undefined {
  const targets: [string, Target][] = []
  for (const [key, target] of entry.targets) if (target.version > version) targets.push([key, target.object])
  const rest = entry.version > version
  const order = entry.orderVersion > version
  if (!rest && !order && targets.length === 0) return undefined
  return { name, targets, ...(rest && { rest: entry.rest }), ...(order && { order: entry.order }) }
}

function delta<C>(changed: C[], tombstones: Map<string, number>, version: number): Delta<C> | undefined {
  const removed: string[] = []
  for (const [name, at] of tombstones) if (at > version) removed.push(name)
  return changed.length > 0 || removed.length > 0 ? { changed, removed } : undefined
}

/** nameOf is the name of an object. */
export function nameOf(object: Stored): string {
  return object.metadata?.name ?? ''
}

function same(a: Stored, b: Stored): boolean {
  const one = a.metadata
  const other = b.metadata
  return one?.uid === other?.uid && one?.resourceVersion !== undefined && one.resourceVersion === other?.resourceVersion
}
