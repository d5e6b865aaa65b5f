// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import type { Session } from '../api/types'
import { useApp } from '../app'
import { failuresOf } from '../model/failures'
import { moment } from '../model/format'
import { summarize, verdictOf } from '../model/summary'
import { go, href } from '../router'
import { AskButton, useAsking, useReason, ViewOnly } from './Ask'
import { Dialog } from './Dialog'
import { Verdict } from './State'
import { Age } from './Time'
import { plural, visible } from './text'

/** SessionsPage is the list of all Sessions of the server. */
export function SessionsPage() {
  const { state } = useApp()
  const [creates, setCreates] = useState(false)
  const sessions = [...state.sessions.value.values()]
  const reason = useReason()
  return (
    <div class="page">
      <div class="bar">
        <h1 class="title">Sessions</h1>
        <span class="muted grow">{sessions.length}</span>
        <ViewOnly />
        <button
          type="button"
          class="primary"
          aria-disabled={reason ? true : undefined}
          title={reason}
          onClick={() => !reason && setCreates(true)}
        >
          New Session
        </button>
      </div>
      {sessions.length === 0 ? <NoSessions /> : <List sessions={sessions} />}
      {creates && <Create close={() => setCreates(false)} />}
    </div>
  )
}

function NoSessions() {
  return (
    <div class="empty">
      <h2>No Session yet</h2>
      <p>A Session is one run of a Tiltfile. Make one here, or from a terminal in the directory of a Tiltfile:</p>
      <pre class="command">tilt-session up</pre>
    </div>
  )
}

function List({ sessions }: { sessions: Session[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    <section class="scroll" tabIndex={0} aria-label="Sessions">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Name</th>
            <th scope="col" class="number">
              Ready
            </th>
            <th scope="col" class="wide">
              Tiltfile
            </th>
            <th scope="col" class="wide">
              Exit
            </th>
            <th scope="col" class="number">
              Age
            </th>
            <th scope="col" class="wide">
              <span class="hidden-text">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <Line key={session.metadata.uid} session={session} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Line({ session }: { session: Session }) {
  const { actions } = useApp()
  const name = session.metadata.name ?? ''
  const summary = summarize(session, 0)
  const why = problemOf(session, summary.error)
  return (
    <tr>
      <td>
        <Verdict state={summary.state} />
      </td>
      <th scope="row">
        <a href={href({ session: name })}>{visible(name)}</a>
        {why && (
          <div class="muted cut" title={why}>
            {why}
          </div>
        )}
      </th>
      <td class="number">
        {summary.reached}/{summary.wanted}
      </td>
      <td class="wide cut mono" title={session.spec.tiltfilePath}>
        {visible(session.spec.tiltfilePath)}
      </td>
      <td class="wide">{session.spec.exitCondition}</td>
      <td class="number">
        <Age from={moment(session.metadata.creationTimestamp)} />
      </td>
      <td class="wide end">
        <AskButton
          class="plain"
          label={`Delete ${visible(name)}`}
          effect={session.metadata.deletionTimestamp ?? ''}
          request={() => actions.remove(name)}
          confirm={deletion(name)}
        >
          {session.metadata.deletionTimestamp ? 'Ending…' : 'Delete'}
        </AskButton>
      </td>
    </tr>
  )
}

/** problemOf is what has failed in a Session: its first failure with the number of others, else its own error. */
function problemOf({ status }: Session, error: string): string {
  const [first, ...others] = failuresOf(status)
  if (!first || !['', 'TargetFailed'].includes(verdictOf(status))) return visible(error)
  const more = others.length > 0 ? `, and ${plural(others.length, 'other failure')}` : ''
  return visible(`${first.row}: ${first.line}`) + more
}

/** deletion is what is asked before a Session is deleted. */
export function deletion(name: string) {
  const text = 'Its processes are stopped, and its log is lost.'
  return { title: `Delete the Session ${visible(name)}?`, text, yes: 'Delete', danger: true }
}

function Create({ close }: { close(): void }) {
  const { actions } = useApp()
  const { asked, refusal, ask } = useAsking()
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const text = (field: string) => String(form.get(field) ?? '').trim()
    const name = text('name')
    ask(async () => {
      await actions.create({
        name,
        tiltfilePath: text('path'),
        exitCondition: text('exit') === 'ci' ? 'ci' : 'manual',
        args: text('args').split('\n').filter(Boolean),
      })
      close()
      go({ session: name })
    })
  }
  return (
    <Dialog title="New Session" close={close}>
      <form onSubmit={submit}>
        <div class="body">
          <label class="field">
            <span>Name</span>
            <input name="name" required autocomplete="off" pattern="[a-z0-9]([a-z0-9.\-]*[a-z0-9])?" />
            <small>Lower case letters, digits, "-" and ".".</small>
          </label>
          <label class="field">
            <span>Tiltfile</span>
            <input
              name="path"
              required
              autocomplete="off"
              class="mono"
              pattern="\s*/.*"
              title="A path from the root of the file system, such as /src/shop/Tiltfile"
              placeholder="/path/of/Tiltfile"
            />
            <small>Its whole path on the machine of the server, from "/" on.</small>
          </label>
          <label class="field">
            <span>Ends</span>
            <select name="exit">
              <option value="manual">When it is ended (manual)</option>
              <option value="ci">Once all is ready, or something fails (ci)</option>
            </select>
          </label>
          <label class="field">
            <span>Arguments</span>
            <textarea name="args" rows={3} class="mono" spellcheck={false} />
            <small>Those of the Tiltfile, one a line.</small>
          </label>
          {refusal && (
            <p class="refusal" role="alert">
              {refusal}
            </p>
          )}
        </div>
        <footer>
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {asked ? 'asked…' : 'Create'}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}
