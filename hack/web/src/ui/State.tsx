// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { looks, type Phase } from '../model/phase'
import type { SessionState } from '../model/summary'

/** StateMark is a state by sign, word and colour. */
export function StateMark({ phase, word, signOnly }: { phase: Phase; word?: string; signOnly?: boolean }) {
  const look = looks[phase]
  return (
    <span class={`state ${look.tone}`}>
      <span class="sign" aria-hidden="true">
        {look.sign}
      </span>
      <span class={signOnly ? 'hidden-text' : ''}>{word ?? look.word}</span>
    </span>
  )
}

/** How a Session as a whole looks; the phase gives the sign and the colour. */
export const sessionLooks: Readonly<Record<SessionState, { phase: Phase; word: string }>> = {
  pending: { phase: 'inactive', word: 'not started' },
  running: { phase: 'active', word: 'running' },
  ready: { phase: 'ready', word: 'ready' },
  succeeded: { phase: 'succeeded', word: 'succeeded' },
  failed: { phase: 'failed', word: 'failed' },
}

/** Verdict is the state of a Session in a box of its colour. */
export function Verdict({ state }: { state: SessionState }) {
  const { phase, word } = sessionLooks[state]
  const { sign, tone } = looks[phase]
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{sign}</span>
      {word}
    </span>
  )
}
