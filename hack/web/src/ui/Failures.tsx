// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useMemo, useState } from 'preact/hooks'
import type { LogLine } from '../api/types'
import { useApp } from '../app'
import { type Failure, failuresOf } from '../model/failures'
import { duration, moment } from '../model/format'
import { rowOf } from '../model/rows'
import { summarize } from '../model/summary'
import { indented, plain } from '../model/text'
import { href } from '../router'
import { AskButton } from './Ask'
import { StateMark } from './State'
import { useShown } from './session'
import { Clock } from './Time'
import { lined, visible } from './text'

/** Failures are what has failed, in the order of time, as a terminal reports it at the end. */
export function Failures() {
  const { status } = useShown().session
  const list = useMemo(() => failuresOf(status), [status])
  if (list.length === 0) return <NoFailures />
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    <section class="scroll pad" tabIndex={0} aria-label="Failures">
      <ol class="failures">
        {list.map((failure) => (
          <Card key={failure.target.name} failure={failure} />
        ))}
      </ol>
    </section>
  )
}

function NoFailures() {
  const { session } = useShown()
  const { error, done, name } = summarize(session, 0)
  if (error) {
    return (
      <div class="empty">
        <h2>No resource has failed, but the run has</h2>
        <pre class="lines">{plain(error)}</pre>
        <p>
          <a href={href({ session: name, view: 'log' })}>Log of the run</a>
        </p>
      </div>
    )
  }
  return (
    <div class="empty">
      <h2>Nothing has failed</h2>
      <p class="muted">{done ? 'The run has succeeded.' : 'What fails is shown here, with its last lines.'}</p>
    </div>
  )
}

function Card({ failure }: { failure: Failure }) {
  const { actions } = useApp()
  const { name, session } = useShown()
  const { row, at, took, line, error, target } = failure
  const start = moment(session.status.startTime)
  return (
    <li class="card failure">
      <header>
        <StateMark phase="failed" signOnly />
        <h2>
          <a href={href({ session: name, resource: row })}>{visible(row)}</a>
        </h2>
        {target.name !== row && <span class="tag">{visible(target.name.slice(target.name.lastIndexOf(':') + 1))}</span>}
        <span class="muted">
          <Clock at={at} />
          {start > 0 && at > 0 && `, ${duration(at - start)} after the start`}
          {took >= 0 && `, ran ${duration(took)}`}
        </span>
        <div class="actions">
          <AskButton effect={target} request={() => actions.trigger(name, [row])} label={`Trigger ${visible(row)}`}>
            Trigger
          </AskButton>
          <a class="button" href={href({ session: name, resource: row })}>
            Open log
          </a>
        </div>
      </header>
      <p class="wraps bad tone">{line}</p>
      {error.trim() !== '' && plain(error) !== line && error.includes('\n') && (
        <details>
          <summary>Whole error</summary>
          <pre class="lines">{lined(error)}</pre>
        </details>
      )}
      <LastLines row={row} at={at} error={error} />
      <HeldBack names={failure.heldBack} />
    </li>
  )
}

/** How many last lines are shown, and how many are read for that, as some are of the run itself. */
const shown = 10
const read = 40

/**
 * said are the last lines of the commands alone, of the run itself if they have written nothing. Without the error at
 * their end, which the card says already.
 */
function said(lines: readonly LogLine[], error: string): string[] {
  const told = `Build Failed: ${error}`
  const end = lines.findLastIndex(({ level, text }) => level !== 'error' || !told.includes(text.trimEnd()))
  const theirs = lines.slice(0, end + 1).filter(({ own }) => !own)
  const texts = (theirs.length > 0 ? theirs : lines).map(({ text }) => indented(text))
  return texts.filter((text) => text.trim() !== '').slice(-shown)
}

/** LastLines are the last lines of a resource's log. */
function LastLines({ row, at, error }: { row: string; at: number; error: string }) {
  const { logs } = useApp()
  const { name } = useShown()
  const [lines, setLines] = useState<string[]>()
  useEffect(() => {
    const stop = new AbortController()
    logs.read({ session: name, resources: [row], tailLines: read }, stop.signal).then(
      (tail) => setLines(said(tail, error)),
      () => setLines([]),
    )
    return () => stop.abort()
  }, [name, row, at, error])
  if (!lines || lines.length === 0) return null
  return (
    <section aria-label={`Last lines of ${visible(row)}`}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <pre class="lines" tabIndex={0}>
        {lines.join('\n')}
      </pre>
    </section>
  )
}

function HeldBack({ names }: { names: readonly string[] }) {
  const { rows, name } = useShown()
  const held = [...new Set(names.map((target) => rowOf(rows.byName, target)))].filter((row) => row !== undefined)
  if (held.length === 0) return null
  return (
    <p class="inline">
      <span class="muted">Waited for it:</span>
      {held.map((row) => (
        <a key={row} href={href({ session: name, resource: row })}>
          {visible(row)}
        </a>
      ))}
    </p>
  )
}
