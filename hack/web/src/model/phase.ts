// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Target } from '../api/types'

/** Phase is the kind of state that a target is in, without its details. It is session.Phase of the server. */
export type Phase = 'absent' | 'inactive' | 'waiting' | 'active' | 'ready' | 'succeeded' | 'failed' | 'disabled'

/** Tone is the colour of a phase: the variable --TONE of the style sheet. */
export type Tone = 'ok' | 'warn' | 'bad' | 'wait'

/** Look is how a phase is shown: the same sign and, but for what depends on the target, the same word as a terminal. */
export interface Look {
  sign: string
  word: string
  tone: Tone
}

export const looks: Readonly<Record<Phase, Look>> = {
  absent: { sign: '–', word: 'not requested', tone: 'wait' },
  inactive: { sign: '–', word: 'not requested', tone: 'wait' },
  waiting: { sign: '…', word: 'waiting', tone: 'wait' },
  active: { sign: '◐', word: 'running', tone: 'warn' },
  ready: { sign: '●', word: 'ready', tone: 'ok' },
  succeeded: { sign: '✓', word: 'succeeded', tone: 'ok' },
  failed: { sign: '✗', word: 'failed', tone: 'bad' },
  disabled: { sign: '⊘', word: 'disabled', tone: 'wait' },
}

/** ranked are the phases, what a person wants to see first before the others. */
export const ranked: readonly Phase[] = [
  'failed',
  'active',
  'waiting',
  'ready',
  'succeeded',
  'inactive',
  'disabled',
  'absent',
]

/** phaseOf is the phase of a target. */
export function phaseOf({ state }: Pick<Target, 'state'>): Phase {
  if (state.disabled) return 'disabled'
  if (state.waiting) return 'waiting'
  if (state.active) return state.active.ready ? 'ready' : 'active'
  if (state.terminated) return state.terminated.error ? 'failed' : 'succeeded'
  return 'inactive'
}

/** stateWord is the state of a target in words. */
export function stateWord(t: Target): string {
  const phase = phaseOf(t)
  return phase === 'active' && t.type === 'server' ? 'not ready' : looks[phase].word
}
