// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Target, UIResource } from '../api/types'
import { isRetry } from '../model/chain'
import { moment } from '../model/format'
import { type Execution, executionsOf } from '../model/history'
import { phaseOf } from '../model/phase'
import { failureWords } from '../model/words'

/** Kind is what a target did in a part of its time. */
export type Kind = 'dependency' | 'slot' | 'retry' | 'update' | 'starting' | 'serving'

/** kinds are the kinds in words, in the order in which they follow each other. */
export const kinds: Readonly<Record<Kind, string>> = {
  dependency: 'waits for dependencies',
  slot: 'waits for its turn',
  retry: 'waits for a retry',
  update: 'runs',
  starting: 'starts',
  serving: 'is ready',
}

/** Segment is a part of the time of a target. Its moments are in ms of the epoch. */
export interface Segment {
  kind: Kind
  from: number
  /** 0 while it goes on. */
  to: number
  failed: boolean
}

/** Bar is an execution of a target. */
export interface Bar {
  /** Its number, 0 for one of which no history is known, and for one that hasn't begun. */
  n: number
  /** Why it ran and how it failed, in words. */
  reason: string
  failure: string
  segments: readonly Segment[]
}

/** Bars are the executions of a target, the oldest first, and the moments at which it was started again. */
export interface Bars {
  list: readonly Bar[]
  restarts: readonly number[]
  /** When it was first requested or began. */
  first: number
  /** When it first and last began, 0 if it never did. */
  begun: number
  start: number
  /** When it was last ready or ended, 0 if it wasn't or goes on. */
  end: number
}

/** barsOf returns the executions of a target. Those before the last one are known of the updates of resources alone. */
export function barsOf(t: Target, resource: UIResource | undefined): Bars {
  const history = t.name.endsWith(':update') ? executionsOf(resource) : []
  const needs = needsAny(t, resource)
  const list =
    history.length > 0 ? history.reverse().map((e, i, all) => executed(e, needs, all[i - 1])) : last(t, needs)
  const due = waiting(t, needs)
  if (due) list.push(due)
  const segments = list.flatMap((bar) => bar.segments)
  const restarts = history.filter((e) => e.attempt > 0).map((e) => e.start)
  const again = moment(t.state.active?.startTime)
  if (t.type === 'server' && (t.restartCount ?? 0) > 0 && again > 0) restarts.push(again)
  const runs = segments.filter(({ kind }) => kind === 'update' || kind === 'starting')
  return {
    list,
    restarts,
    first: segments[0]?.from ?? 0,
    begun: runs[0]?.from ?? 0,
    start: runs.at(-1)?.from ?? 0,
    end: runs.at(-1)?.to ?? 0,
  }
}

/** needsAny reports whether a target may wait for others: for what its resource needs, or a server for its update. */
function needsAny(t: Target, resource: UIResource | undefined): boolean {
  if (!resource || (resource.status.dependencies ?? []).length > 0) return true
  if (t.state.waiting?.on?.length) return true
  return t.name.endsWith(':serve') ? !!resource.status.updateCommand : !t.name.endsWith(':update')
}

function executed(e: Execution, needs: boolean, previous: Execution | undefined): Bar {
  const segments: Segment[] = []
  if (e.attempt > 0) add(segments, 'retry', previous?.finish ?? 0, e.start)
  else hold(segments, needs, e.queued, e.allowed, e.start)
  segments.push({ kind: 'update', from: e.start, to: e.finish, failed: e.error !== '' })
  return { n: e.n, reason: e.reason, failure: e.error && failureWords(e), segments }
}

/** last is the last execution of a target by its own times. */
function last(t: Target, needs: boolean): Bar[] {
  const { times } = t
  const start = moment(times?.startTime)
  if (start === 0) return []
  const segments: Segment[] = []
  hold(segments, needs, moment(times?.queuedTime), moment(times?.allowedTime), start)
  const ready = moment(times?.readyTime)
  const finish = moment(times?.finishTime)
  const failed = phaseOf(t) === 'failed'
  if (t.type === 'job') segments.push({ kind: 'update', from: start, to: finish, failed })
  else {
    segments.push({ kind: 'starting', from: start, to: ready || finish, failed: failed && ready === 0 })
    if (ready > 0) segments.push({ kind: 'serving', from: ready, to: finish, failed })
  }
  const failure = failed && t.state.terminated ? failureWords(t.state.terminated) : ''
  return [{ n: 0, reason: '', failure, segments }]
}

/** waiting is the execution that a target waits for, unless that is for a person. */
function waiting(t: Target, needs: boolean): Bar | undefined {
  const wait = t.state.waiting
  if (!wait || wait.waitReason === 'pending-trigger') return undefined
  const since = moment(wait.since)
  const queued = moment(t.times?.startTime) > 0 ? since : moment(t.times?.queuedTime) || since
  if (queued === 0) return undefined
  const segments: Segment[] = []
  const allowed = moment(t.times?.startTime) > 0 ? 0 : moment(t.times?.allowedTime)
  if (isRetry(wait.waitReason)) segments.push({ kind: 'retry', from: since || queued, to: 0, failed: false })
  else if (!needs) segments.push({ kind: 'slot', from: queued, to: 0, failed: false })
  else if (allowed > 0) {
    add(segments, 'dependency', queued, allowed)
    segments.push({ kind: 'slot', from: allowed, to: 0, failed: false })
  } else segments.push({ kind: 'dependency', from: queued, to: 0, failed: false })
  return { n: 0, reason: '', failure: '', segments }
}

/** hold adds what was before a start: the wait for others until it was allowed, if it needs any, then for its turn. */
function hold(segments: Segment[], needs: boolean, queued: number, allowed: number, start: number): void {
  if (needs) add(segments, 'dependency', queued, allowed)
  add(segments, 'slot', needs ? allowed : queued || allowed, start)
}

function add(segments: Segment[], kind: Kind, from: number, to: number): void {
  if (from > 0 && to > from) segments.push({ kind, from, to, failed: false })
}
