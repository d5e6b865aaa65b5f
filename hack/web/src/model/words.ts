// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Target } from '../api/types'
import { times } from './format'
import { errorLine, plain } from './text'

const words: Readonly<Record<string, string>> = {
  'tiltfile-reload': 'for the Tiltfile',
  'waiting-for-local': 'for another job that runs alone',
  'is-unparallelizable-local': 'to run alone, without other jobs',
  'waiting-for-dep': 'for what it depends on',
  'waiting-for-slot': 'for its turn: as many updates run as may run at once',
  'waiting-for-update': 'for its update',
  'update-failed': 'its update has failed',
  'pending-trigger': 'for a trigger',
  'building-component': 'for its image',
  'waiting-for-deploy': 'for its containers to run',
  reconciling: 'for its containers to run again',
  retrying: 'for its retry',
  restarting: 'for its restart',
  'after-failure': 'not started after an earlier failure',
  'waiting-for-session-slot': 'for other Sessions to end',
}

/** waitWords is a wait reason in words. A reason that isn't ours, such as a pod's, stays as it is. */
export function waitWords(reason: string): string {
  return Object.hasOwn(words, reason) ? (words[reason] ?? '') : plain(reason)
}

/** End is how an execution ended. */
export interface End {
  error?: string | undefined
  exitCode?: number | undefined
  signal?: string | undefined
}

/** exitWords is how a process ended whose error says nothing more, empty for other ends. */
export function exitWords({ error = '', exitCode, signal }: End): string {
  if (signal && error.endsWith(`signal: ${signal}`)) return `signal: ${signal}`
  const ends = [` exited with code ${exitCode}`, `exit status ${exitCode}`]
  return exitCode !== undefined && ends.some((end) => error.endsWith(end)) ? `exit code ${exitCode}` : ''
}

/** failureWords is the main line of the error of a target. */
export function failureWords(end: End): string {
  return exitWords(end) || plain(errorLine(end.error ?? ''))
}

/** restartWords is how often a target was started again after a failure, empty if it wasn't. */
export function restartWords(t: Target): string {
  const n = t.restartCount ?? 0
  return n > 0 ? `${t.type === 'job' ? 'retried' : 'restarted'} ${times(n)}` : ''
}
