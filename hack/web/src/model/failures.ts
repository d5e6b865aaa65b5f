// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { SessionStatus, Target } from '../api/types'
import { find } from './chain'
import { between, moment } from './format'
import { phaseOf } from './phase'
import { sources } from './sources'
import { compareNames } from './text'
import { failureWords } from './words'

/** Failure is a target that failed. */
export interface Failure {
  target: Target
  /** The name of its row, by which its log is selected. */
  row: string
  /** When it failed, in ms of the epoch. */
  at: number
  /** How long it ran, in ms, -1 if that isn't known. */
  took: number
  exitCode: number | undefined
  /** Empty if no signal ended it. */
  signal: string
  /** The main line of its error: the exit code or signal if the error says nothing more. */
  line: string
  /** Its whole error. */
  error: string
  /** The names of the targets that it keeps from running: they wait for it, or for others that do. */
  heldBack: readonly string[]
}

/** failuresOf are the targets that failed, the earliest first. A failure that is tolerated for now isn't one. */
export function failuresOf(status: SessionStatus): Failure[] {
  const failed = status.targets.filter(
    (t) => phaseOf(t) === 'failed' && t.state.terminated?.graceStatus !== 'Tolerated',
  )
  if (failed.length === 0) return []
  const held = heldBack(status)
  return failed
    .map((target) => newFailure(target, held.get(target.name) ?? []))
    .sort((a, b) => a.at - b.at || compareNames(a.target.name, b.target.name))
}

function newFailure(target: Target, heldBack: readonly string[]): Failure {
  const end = target.state.terminated ?? { startTime: '', finishTime: '' }
  const at = moment(end.finishTime)
  return {
    target,
    row: sources(target)[0] ?? target.name,
    at,
    took: between(moment(end.startTime), at),
    exitCode: end.exitCode,
    signal: end.signal ?? '',
    line: failureWords(end),
    error: end.error ?? '',
    heldBack,
  }
}

/** heldBack are, by the name of each target, those that wait for it, directly or not. */
function heldBack(status: SessionStatus): ReadonlyMap<string, string[]> {
  const waitsFor = new Map<string, readonly string[]>()
  for (const t of status.targets) if (t.state.waiting) waitsFor.set(t.name, t.state.waiting.on ?? [])
  const held = new Map<string, string[]>()
  for (const name of waitsFor.keys()) {
    for (const cause of reached(name, waitsFor)) {
      if (find(status, cause) < 0) continue
      const list = held.get(cause)
      if (list) list.push(name)
      else held.set(cause, [name])
    }
  }
  return held
}

function reached(name: string, waitsFor: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set<string>()
  const stack = [name]
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const next of waitsFor.get(at) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      stack.push(next)
    }
  }
  return seen
}

/** waitingFor are the names of the targets that wait for any of some targets, directly or not. */
export function waitingFor(status: SessionStatus, targets: readonly string[]): string[] {
  const held = heldBack(status)
  const names = new Set(targets.flatMap((name) => held.get(name) ?? []))
  return [...names].filter((name) => !targets.includes(name)).sort(compareNames)
}
