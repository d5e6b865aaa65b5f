// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useApp } from '../app'
import { LogPane } from '../log/LogPane'
import { ended, summarize } from '../model/summary'
import { go, href, route, type View } from '../router'
import { Failures } from './Failures'
import { useKeys } from './keys'
import { Lazy } from './Lazy'
import { NoResource, OtherRun } from './Missing'
import { ResourcePage } from './Resource'
import { SessionMenu } from './SessionMenu'
import { useShown } from './session'
import { TablePage } from './Table'
import { TiltfilePage } from './Tiltfile'
import { Clock } from './Time'
import { visible } from './text'

const tabs: ReadonlyArray<readonly [View, string, string]> = [
  ['table', 'Table', 'g t'],
  ['graph', 'Graph', 'g g'],
  ['timeline', 'Timeline', 'g l'],
  ['log', 'Log', 'g m'],
  ['failures', 'Failures', ''],
  ['tiltfile', 'Tiltfile', ''],
]

/** SessionPage is a Session with its tabs, or one of its resources. */
export function SessionPage() {
  const { session, rows, name } = useShown()
  const { resource, view, params } = route.value
  const summary = useMemo(() => summarize(session, 0), [session])
  // A run that fails while someone looks doesn't take away what they look at.
  const [landing] = useState<View>(
    summary.command === 'ci' && summary.verdict && summary.state === 'failed' ? 'failures' : 'table',
  )
  const current = view ?? landing
  const line = useRef<HTMLElement>(null)
  useEffect(() => {
    line.current?.querySelector('[aria-current]')?.scrollIntoView?.({ block: 'nearest', inline: 'nearest' })
  }, [current])
  const show = (view: View) => () => go({ session: name, view })
  useKeys({ gt: show('table'), gg: show('graph'), gl: show('timeline'), gm: show('log') })
  if (params.uid && params.uid !== session.metadata.uid) return <OtherRun route={route.value} />
  if (resource !== undefined) {
    const row = rows.byName.get(resource)
    return row ? <ResourcePage key={resource} row={row} /> : <NoResource session={name} name={resource} />
  }
  return (
    <div class="page">
      <h1 class="hidden-text">{visible(name)}</h1>
      <Ended />
      <div class="tabline">
        <nav class="tabs" ref={line} aria-label="Views of the Session">
          {tabs.map(([tab, text, keys]) => (
            <a
              key={tab}
              href={href({ session: name, view: tab })}
              aria-current={tab === current ? 'page' : undefined}
              title={keys && `${text} (${keys})`}
            >
              {text}
              {tab === 'failures' && summary.failed > 0 && <span class="count bad">{summary.failed}</span>}
            </a>
          ))}
        </nav>
        <SessionMenu />
      </div>
      <Tab view={current} />
    </div>
  )
}

function Tab({ view }: { view: View }) {
  const { name, session } = useShown()
  switch (view) {
    case 'graph':
      return <Lazy key="graph" load={graph} session={session} />
    case 'timeline':
      return <Lazy key="timeline" load={timeline} session={session} />
    case 'log':
      return (
        <div class="fill">
          <LogPane session={name} resources={[]} />
        </div>
      )
    case 'failures':
      return <Failures />
    case 'tiltfile':
      return <TiltfilePage />
  }
  return <TablePage />
}

const graph = () => import('../graph')
const timeline = () => import('../timeline')

/** Ended says how a run ended, and until when it is kept. */
function Ended() {
  const { session } = useShown()
  const live = useApp().state.link.value.state === 'live'
  const { status, spec } = session
  if (!status.done) return null
  const { state, error } = summarize(session, 0)
  const ttl = spec.ttlSecondsAfterFinished
  const failed = state === 'failed'
  return (
    <div class={`notice ${failed ? 'bad' : 'ok'}`}>
      <strong>This run has ended with {failed ? 1 : 0}.</strong>
      {error && <span class="wraps">{error}</span>}
      <span class="muted">
        {ttl !== undefined ? (
          <>
            It is kept until <Clock at={ended(status, Date.now()) + ttl * 1000} />.
          </>
        ) : live ? (
          'The log is kept while the server runs.'
        ) : (
          'Its server has gone too: this is the last that was heard of it.'
        )}
      </span>
    </div>
  )
}
