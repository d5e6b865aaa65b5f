// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { UIResource } from '../api/types'
import { between, duration, exact, moment } from './format'

/** Execution is one run of the update of a resource. Its moments are in ms of the epoch, 0 for those that aren't known. */
export interface Execution {
  /** Unique among the executions of a resource, and increasing. */
  n: number
  /** Why it ran, in words. */
  reason: string
  files: readonly string[]
  /** How many files made it due, of which `files` has at most 20. */
  fileCount: number
  queued: number
  allowed: number
  start: number
  /** When what runs since then was ready. It is known of the last one alone. */
  ready: number
  /** 0 while it goes on. */
  finish: number
  /** How long it took, in ms, -1 while it goes on. */
  took: number
  attempt: number
  liveUpdate: boolean
  /** Empty if it succeeded or goes on. */
  error: string
  exitCode: number | undefined
  signal: string
  /** The seq of its first line in the log, and of the first one after it; 0 if it isn't known. */
  firstLine: number
  endLine: number
}

const reasons: Readonly<Record<string, string>> = {
  initial: 'first run',
  retry: 'retry',
  trigger: 'triggered',
  files: 'files changed',
  dependency: 'a dependency has run',
  config: 'the Tiltfile changed',
  args: 'other arguments',
}

type Build = NonNullable<UIResource['status']['currentBuild']> &
  Partial<NonNullable<UIResource['status']['buildHistory']>[number]>

/** executionsOf are the executions of a resource that are known, the newest first: what goes on, then at most 20. */
export function executionsOf(resource: UIResource | undefined): Execution[] {
  if (!resource) return []
  const { currentBuild, buildHistory = [] } = resource.status
  const builds: Build[] = currentBuild ? [currentBuild, ...buildHistory] : buildHistory
  return builds.map((build, i) => execution(build, builds.length - i))
}

function execution(build: Build, place: number): Execution {
  const start = moment(build.startTime)
  const finish = moment(build.finishTime)
  const files = build.changedFiles ?? []
  return {
    n: numberOf(build.spanID) ?? place,
    reason: reasons[build.reason ?? ''] ?? build.reason ?? '',
    files,
    fileCount: Math.max(build.changedFileCount ?? 0, files.length),
    queued: moment(build.queuedTime),
    allowed: moment(build.allowedTime),
    start,
    ready: moment(build.readyTime),
    finish,
    took: between(start, finish),
    attempt: build.attempt ?? 0,
    liveUpdate: build.liveUpdate ?? false,
    error: build.error ?? '',
    exitCode: build.exitCode,
    signal: build.signal ?? '',
    firstLine: build.firstLine ?? 0,
    endLine: build.endLine ?? 0,
  }
}

/** numberOf is the number that the ID of an execution ends with. */
function numberOf(spanID: string | undefined): number | undefined {
  const digits = /:(\d+)$/.exec(spanID ?? '')?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** durations are what the last executions that ended took, in ms, the oldest first, for a spark line. */
export function durations(executions: readonly Execution[], limit = 20): { ms: number; failed: boolean }[] {
  return executions
    .filter((e) => e.took >= 0)
    .slice(0, limit)
    .map((e) => ({ ms: e.took, failed: e.error !== '' }))
    .reverse()
}

/** compareRuns is how the duration of a run differs from that of an earlier one, in words; empty if either goes on. */
export function compareRuns(later: Execution, earlier: Execution): string {
  if (later.took < 0 || earlier.took < 0) return ''
  const difference = exact(later.took - earlier.took)
  const size = duration(Math.abs(difference))
  if (size === '0s') return 'as long'
  const share = earlier.took > 0 ? Math.round((later.took / earlier.took - 1) * 100) : 0
  const percent = share !== 0 ? ` (${share > 0 ? '+' : '−'}${Math.abs(share)} %)` : ''
  return `${size} ${difference > 0 ? 'longer' : 'shorter'}${percent}`
}
