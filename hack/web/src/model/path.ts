// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { SessionStatus, Target, UIResource } from '../api/types'
import { find, first, takesTurns, tiltfileTarget } from './chain'
import { exact, moment } from './format'
import { phaseOf } from './phase'
import { imagePrefix, sources } from './sources'

/** How long it may take until the end of one target is the reason for another one, in ms. */
const soon = 1000

/** Step is a target of a critical path. None of its moments, in ms of the epoch, is after the next. */
export interface Step {
  target: Target
  /** When the step before was done, and for the first step when the target was requested. */
  from: number
  /** When the target began. */
  start: number
  /** When it was done, or now. */
  to: number
}

/** Needs are the names of the targets that must be there before one runs. */
export type Needs = (target: string) => readonly string[]

/**
 * criticalPath is the chain of targets that determined how long everything took, the first one first. The next step of
 * each is a target that depends on it or that got its turn after it. The last one is what goes on and has for the
 * longest time, but in a Session that is done its first failure; if nothing goes on, it is what was done last. The path
 * is empty if no target has times. Without needs, a target is taken to depend on what was done last before it was
 * allowed to run.
 */
export function criticalPath(status: SessionStatus, needs: Needs | undefined, now: number): Step[] {
  const { targets } = status
  const done = targets.map(doneAt)
  let i = lastStep(status, done)
  const path: Step[] = []
  if (i < 0) return path
  // A server may have failed after it was ready.
  let to = moment(targets[i]?.times?.finishTime) || done[i] || now
  for (const seen = new Set<number>(); i >= 0 && !seen.has(i); ) {
    seen.add(i)
    const target = targets[i] as Target
    i = stepBefore(status, done, target, needs)
    const from = earliest(i >= 0 ? (done[i] ?? 0) : moment(target.times?.queuedTime), to)
    const start = earliest(Math.max(moment(target.times?.startTime), from), to)
    path.push({ target, from, start, to })
    to = from
  }
  return path.reverse()
}

function earliest(a: number, b: number): number {
  return a === 0 || (b !== 0 && b < a) ? b : a
}

// A target that hasn't changed keeps its identity, and most haven't from one status to the next.
const ends = new WeakMap<Target, number>()

/** doneAt is when a target was ready, had succeeded or had failed, 0 if it wasn't. */
export function doneAt(t: Target): number {
  let end = ends.get(t)
  if (end === undefined) {
    end = earliest(moment(t.times?.readyTime), moment(t.times?.finishTime))
    ends.set(t, end)
  }
  return end
}

/** lastStep is the place of the target at which the critical path ends, -1 if there is none. */
function lastStep(status: SessionStatus, done: number[]): number {
  const { targets } = status
  const goesOn = (t: Target) => !!t.times?.startTime && doneAt(t) === 0
  const failed = (t: Target) => !!t.times && phaseOf(t) === 'failed'
  const open = first(targets, goesOn, (t) => moment(t.times?.startTime))
  if (open >= 0) {
    const failure = first(targets, failed, (t) => moment(t.state.terminated?.finishTime))
    return status.done && failure >= 0 ? failure : open
  }
  let last = -1
  done.forEach((end, i) => {
    if (end !== 0 && (last < 0 || end > (done[last] ?? 0))) last = i
  })
  return last
}

/** stepBefore is the place of the target that one waited for longest, -1 if it waited for none. */
function stepBefore(status: SessionStatus, done: number[], t: Target, needs: Needs | undefined): number {
  const { targets } = status
  const allowed = moment(t.times?.allowedTime)
  if (allowed === 0) return -1
  const start = moment(t.times?.startTime)
  const since = moment(t.times?.queuedTime) - soon
  let best = -1
  const consider = (i: number, after: number, until: number) => {
    const end = done[i] ?? 0
    if (targets[i] === t || end === 0 || exact(end - after) <= 0 || end > until) return
    if (best < 0 || end > (done[best] ?? 0)) best = i
  }
  if (takesTurns(t)) {
    targets.forEach((other, i) => {
      if (takesTurns(other)) consider(i, allowed, start)
    })
  }
  if (best >= 0) return best
  for (const name of needs ? [...needs(t.name), tiltfileTarget] : [updateOf(t.name)]) {
    const i = find(status, name)
    if (i >= 0) consider(i, since, allowed)
  }
  if (!needs && best < 0) {
    targets.forEach((_, i) => {
      consider(i, since, allowed)
    })
  }
  return best
}

function updateOf(name: string): string {
  return `${name.replace(/:serve$/, '').replace(/:runtime$/, '')}:update`
}

/**
 * needsOf are the needs that follow from the dependencies of the UIResources of a Session, undefined if there are none.
 * UIResources don't say on which other images an image is built: it may need any.
 */
export function needsOf(status: SessionStatus, resources: ReadonlyMap<string, UIResource>): Needs | undefined {
  if (resources.size === 0) return undefined
  const byRow = new Map<string, string[]>()
  const images: string[] = []
  for (const t of status.targets) {
    for (const name of sources(t)) {
      byRow.set(name, [...(byRow.get(name) ?? []), t.name])
      if (name === t.name) images.push(name)
    }
  }
  return (target) => {
    const i = find(status, target)
    const t = status.targets[i]
    const row = t && sources(t)[0]
    if (row === undefined) return []
    if (row.startsWith(imagePrefix) && row === target) return images
    const deps = resources.get(row)?.status.dependencies ?? []
    const list = deps.flatMap((dep) => byRow.get(dep) ?? byRow.get(imageTarget(dep)) ?? [])
    const update = updateOf(target)
    return update !== target && find(status, update) >= 0 ? [...list, update] : list
  }
}

/** imageTarget is the name of an image's target where the name of the image looks like that of a resource's target. */
export function imageTarget(image: string): string {
  return image.replace(/^image:(?=[^/]*$)/, 'image:docker.io/library/')
}
