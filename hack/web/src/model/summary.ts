// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Session, SessionStatus } from '../api/types'
import { between, moment } from './format'
import { phaseOf } from './phase'
import { errorLine, plain } from './text'

/** SessionState is what a Session as a whole is doing. */
export type SessionState = 'pending' | 'running' | 'ready' | 'succeeded' | 'failed'

/** Summary is a Session as a whole. */
export interface Summary {
  name: string
  /** up or ci. */
  command: string
  /** The end of the path. */
  tiltfile: string
  /** Also a Session that goes on is failed if a target has. */
  state: SessionState
  done: boolean
  /** How a Session ended, in one word: Succeeded, TargetFailed, Timeout and so on; empty before. */
  verdict: string
  /** So many of the wanted targets are ready or have succeeded. */
  reached: number
  wanted: number
  /** The targets that have failed, that run or aren't ready, that wait, and that are disabled. */
  failed: number
  active: number
  waiting: number
  disabled: number
  /** The status leaves targets out. */
  truncated: boolean
  /** From the start of the run to its verdict, or until now, in ms. */
  took: number
  /** The main line of the error of the Session. */
  error: string
}

/** summarize returns the summary of a Session. */
export function summarize(session: Session, now: number): Summary {
  const { spec, status } = session
  const verdict = verdictOf(status)
  const counts = count(status)
  // What the end of the run has cut off is shown as it was.
  const active = status.done ? 0 : counts.active
  return {
    name: session.metadata.name ?? '',
    command: spec.exitCondition === 'manual' ? 'up' : 'ci',
    tiltfile: lastTwo(spec.tiltfilePath),
    state: stateOf(status, verdict, counts.failed),
    done: status.done,
    verdict,
    ...counts,
    active,
    truncated: condition(status, 'Truncated')?.status === 'True',
    took: Math.max(between(moment(status.startTime), ended(status, now)), 0),
    error: plain(errorLine(status.error ?? '')),
  }
}

function count({ targets }: SessionStatus) {
  const counts = { reached: 0, wanted: 0, failed: 0, active: 0, waiting: 0, disabled: 0 }
  for (const t of targets) {
    const phase = phaseOf(t)
    if (phase === 'ready' || phase === 'succeeded') counts.reached++
    else if (phase === 'inactive' || phase === 'absent') continue
    else counts[phase]++
    if (phase !== 'disabled') counts.wanted++
  }
  return counts
}

/** lastTwo is the name of a file after that of its directory. */
function lastTwo(path: string): string {
  const directory = /^.*\//s.exec(path)?.[0] ?? ''
  return `${directory && `${base(directory)}/`}${base(path)}`.replace('//', '/')
}

function base(path: string): string {
  return /([^/]+)\/*$/.exec(path)?.[1] ?? (path && '/')
}

function condition(status: SessionStatus, type: string) {
  return status.conditions?.find((c) => c.type === type)
}

/** verdictOf is how the Session with this status ended, empty if it isn't done. */
export function verdictOf(status: SessionStatus): string {
  if (!status.done) return ''
  const failed = condition(status, 'Failed')
  if (failed?.status === 'True') return failed.reason
  return status.error ? 'TargetFailed' : 'Succeeded'
}

function stateOf(status: SessionStatus, verdict: string, failed: number): SessionState {
  if (verdict === 'Succeeded') return 'succeeded'
  if (verdict !== '' || failed > 0) return 'failed'
  if (condition(status, 'Ready')?.status === 'True') return 'ready'
  return moment(status.startTime) === 0 ? 'pending' : 'running'
}

/** ended is when a Session had its verdict, now without one. Conditions have whole seconds, and targets end later. */
export function ended(status: SessionStatus, now: number): number {
  for (const type of ['Succeeded', 'Failed']) {
    const c = condition(status, type)
    if (!c || !status.done || c.status !== 'True') continue
    const ends = status.targets.map((t) => moment(t.state.terminated?.finishTime))
    return Math.max(moment(c.lastTransitionTime), ...ends)
  }
  return now
}

/** title is the title of a page that shows a Session: ✗2 … 7/9 – name. */
export function title(sum: Summary): string {
  const signs = [sum.failed > 0 ? `✗${sum.failed}` : sum.state === 'failed' ? '✗' : '']
  if (!sum.done && sum.active + sum.waiting > 0) signs.push('…')
  else if (sum.state === 'succeeded' || sum.state === 'ready') signs.push('✓')
  return [...signs.filter(Boolean), `${sum.reached}/${sum.wanted}${more(sum)}`, '–', sum.name].join(' ')
}

function more(sum: Summary): string {
  return sum.truncated ? '+' : ''
}
