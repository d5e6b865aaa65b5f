// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { SessionStatus, Target } from '../api/types'
import { moment } from './format'
import { phaseOf } from './phase'

/** The name of the target that evaluates the Tiltfile. */
export const tiltfileTarget = 'tiltfile:update'

/** Link is a target in the chain of those that one waits for. */
export interface Link {
  target: Target
  /** How many targets it waits for besides the next link. */
  more: number
}

/** Index are the targets of a status by name, and those that others wait for without naming them. */
interface Index {
  places: ReadonlyMap<string, number>
  /** The job that has been running longest, and the first failure. -1 is none. */
  turn: number
  failure: number
}

const indexes = new WeakMap<SessionStatus, Index>()

function indexOf(status: SessionStatus): Index {
  let index = indexes.get(status)
  if (!index) {
    const { targets } = status
    index = {
      places: new Map(targets.map((t, i) => [t.name, i])),
      turn: first(
        targets,
        (t) => takesTurns(t) && !!t.state.active,
        (t) => moment(t.state.active?.startTime),
      ),
      failure: first(
        targets,
        (t) => phaseOf(t) === 'failed',
        (t) => moment(t.state.terminated?.finishTime),
      ),
    }
    indexes.set(status, index)
  }
  return index
}

/** find is the place of a target in the list of a status, -1 if there is none. */
export function find(status: SessionStatus, name: string): number {
  return indexOf(status).places.get(name) ?? -1
}

/** first is the place of the earliest target of a kind, -1 if there is none. */
export function first(targets: Target[], kind: (t: Target) => boolean, at: (t: Target) => number): number {
  let best = -1
  let earliest = 0
  targets.forEach((t, i) => {
    if (!kind(t)) return
    const when = at(t)
    if (best >= 0 && when >= earliest) return
    best = i
    earliest = when
  })
  return best
}

/** takesTurns is true for a job that may keep others from their turn: neither the Tiltfile nor a workload. */
export function takesTurns(t: Target): boolean {
  return t.type === 'job' && t.name !== tiltfileTarget && !t.name.endsWith(':runtime')
}

/**
 * chain is why a target waits: first the target itself, then what it waits for, and so on, down to a cause that waits
 * for no other target. Of several causes it has the one that explains most: a failure, then what was never requested,
 * then what waits for something else, such as a trigger, and only then what runs; of several of these, the nearest. A
 * target that waits for its turn is followed by the job that has been running longest, and one that doesn't start
 * because of an earlier failure by the first target that has failed.
 *
 * The chain of a target that doesn't wait is the target itself, that of an unknown one is empty.
 */
export function chain(status: SessionStatus, target: string): Link[] {
  const start = find(status, target)
  if (start < 0) return []
  // A search in breadth finds the nearest causes first, and ends also in a circle.
  const from = new Map<number, number>([[start, -1]])
  let best = start
  const queue = [start]
  for (const at of queue) {
    const next = reasons(status, at)
    if (next.length === 0 && (best === start || weight(status.targets[at]) > weight(status.targets[best]))) best = at
    for (const i of next) {
      if (from.has(i)) continue
      from.set(i, at)
      queue.push(i)
    }
  }
  const links: Link[] = []
  for (let i = best; i >= 0; i = from.get(i) ?? -1) {
    const t = status.targets[i]
    if (t) links.push({ target: t, more: Math.max(0, reasons(status, i).length - 1) })
  }
  return links.reverse()
}

/** reasons are the places of the targets that a target waits for. */
function reasons(status: SessionStatus, i: number): number[] {
  const wait = status.targets[i]?.state.waiting
  if (!wait) return []
  const list = (wait.on ?? []).map((name) => find(status, name)).filter((at) => at >= 0)
  if (list.length > 0) return list
  const cause = unnamed(indexOf(status), wait.waitReason)
  return cause < 0 ? [] : [cause]
}

function unnamed(index: Index, waitReason: string): number {
  switch (waitReason) {
    case 'waiting-for-local':
    case 'is-unparallelizable-local':
    case 'waiting-for-slot':
      return index.turn
    case 'after-failure':
      return index.failure
  }
  return -1
}

/** weight says how much a cause explains. */
function weight(t: Target | undefined): number {
  if (!t) return 0
  switch (phaseOf(t)) {
    case 'failed':
      return 5
    case 'waiting':
      return isRetry(t.state.waiting?.waitReason) ? 4 : 2
    case 'disabled':
    case 'inactive':
      return 3
    case 'active':
      return 1
  }
  return 0
}

/** isRetry is true for a target that has failed and waits to be started again. */
export function isRetry(waitReason: string | undefined): boolean {
  return waitReason === 'retrying' || waitReason === 'restarting'
}
