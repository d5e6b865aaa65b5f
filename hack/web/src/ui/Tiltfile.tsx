// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef, useState } from 'preact/hooks'
import { useApp } from '../app'
import { LogPane } from '../log/LogPane'
import { tiltfileResource } from '../model/sources'
import { go, route } from '../router'
import { useAsking, useReason } from './Ask'
import { StateMark } from './State'
import { useShown } from './session'
import { visible } from './text'

/** TiltfilePage is the Tiltfile: its path, its arguments, and the log of its evaluation. */
export function TiltfilePage() {
  const { session, rows, name } = useShown()
  const row = rows.byName.get(tiltfileResource)
  const args = session.spec.args ?? []
  return (
    <div class="page">
      <div class="bar tiltfile">
        {row && <StateMark phase={row.phase} word={row.state} />}
        <code class="wraps">{visible(session.spec.tiltfilePath)}</code>
        <Args key={args.join('\n')} args={args} />
      </div>
      <div class="fill">
        <LogPane session={name} resources={[tiltfileResource]} />
      </div>
    </div>
  )
}

function Args({ args }: { args: readonly string[] }) {
  const { actions } = useApp()
  const { name, session } = useShown()
  const { asked, refusal, ask } = useAsking(session.spec)
  const reason = useReason()
  const [text, setText] = useState(args.join('\n'))
  const lines = text.split('\n').filter(Boolean)
  const same = lines.join('\n') === args.join('\n')
  const why = reason || (same ? 'These are the arguments now.' : '')
  const details = useRef<HTMLDetailsElement>(null)
  const to = route.value
  useEffect(() => {
    if (!to.params.args || !details.current) return
    details.current.open = true
    details.current.querySelector('textarea')?.focus()
    const { args: _, ...params } = to.params
    go({ ...to, params }, true)
  }, [to])
  return (
    <details class="args" ref={details}>
      <summary>
        Arguments <span class="muted">{args.length === 0 ? 'none' : visible(args.join(' '))}</span>
      </summary>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!why) ask(() => actions.args(name, lines))
        }}
      >
        <label class="field">
          <span>One argument a line</span>
          <textarea
            class="mono"
            rows={4}
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="row">
          <button
            type="submit"
            class="primary"
            aria-disabled={why ? true : undefined}
            aria-describedby={why ? 'args-reason' : undefined}
          >
            {asked ? 'asked…' : 'Load with these'}
          </button>
          {why && (
            <span id="args-reason" class="muted">
              {why}
            </span>
          )}
          {refusal && (
            <span class="refusal" role="alert">
              {refusal}
            </span>
          )}
        </div>
      </form>
    </details>
  )
}
