// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import './theme.css'
import './base.css'
import './parts.css'
import './layout.css'
import './table.css'
import './pages.css'
import './failures.css'
import './overlays.css'
import './narrow.css'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Session } from '../api/types'
import { useApp } from '../app'
import { logKeys } from '../log/keys'
import { looks } from '../model/phase'
import { summarize, title } from '../model/summary'
import { go, route } from '../router'
import { Announcer } from './Announcer'
import { Banner, Forbidden, Login } from './Banner'
import { DialogOf, type Open } from './Dialogs'
import { Header } from './Header'
import { setHead } from './head'
import { handleKey, useKeys } from './keys'
import { Gone, NoPage } from './Missing'
import { SessionPage } from './SessionPage'
import { SessionsPage } from './Sessions'
import { sessionLooks } from './State'
import { ShownContext, useSession } from './session'
import { visible } from './text'
import { watchTheme } from './theme'

/** Shell is the page: its header, its state, and what its address names. */
export function Shell() {
  const { state } = useApp()
  const link = state.link.value
  const sessions = state.sessions.value
  const { session: name, params, unknown } = route.value
  useEffect(() => watchTheme(), [])
  const none = name === undefined && unknown === undefined && !params.all
  const only = none && sessions.size === 1 ? [...sessions.keys()][0] : undefined
  useEffect(() => {
    if (only !== undefined && link.state === 'live') go({ session: only, params }, true)
  }, [only, link.state])
  const session = useLast(name, name === undefined ? undefined : sessions.get(name))
  if (link.state === 'login' || link.state === 'forbidden' || !session) return <Frame session={undefined} />
  return <WithSession key={session.metadata.uid} session={session} />
}

/** useLast is a Session as it was last seen, also once it is deleted, until the address names another one. */
function useLast(name: string | undefined, session: Session | undefined): Session | undefined {
  const [last] = useState(() => new Map<string, Session>())
  if (name === undefined) return undefined
  if (session) last.set(name, session)
  return session ?? last.get(name)
}

function WithSession({ session }: { session: Session }) {
  return <Frame session={session} />
}

function Frame({ session }: { session: Session | undefined }) {
  return session ? <SessionFrame session={session} /> : <Plain />
}

function SessionFrame({ session }: { session: Session }) {
  const shown = useSession(session)
  const summary = useMemo(() => summarize(session, 0), [session])
  const seen = useMemo(() => ({ rows: shown.rows, summary }), [shown.rows, summary])
  const { resource } = route.value
  const stale = useApp().state.link.value.state !== 'live'
  const text = title(summary)
  useEffect(() => {
    const name = resource === undefined ? text : `${visible(resource)} · ${text}`
    setHead(name, stale ? 'off' : looks[sessionLooks[summary.state].phase].tone)
  }, [text, resource, stale, summary.state])
  return (
    <ShownContext.Provider value={shown}>
      <Announcer seen={seen} />
      <Page shown={shown} summary={summary} />
    </ShownContext.Provider>
  )
}

function Plain() {
  const stale = useApp().state.link.value.state !== 'live'
  useEffect(() => setHead('Sessions – tilt-session', stale ? 'off' : 'wait'), [stale])
  return <Page shown={undefined} summary={undefined} />
}

type PageProps = Pick<Parameters<typeof Header>[0], 'shown' | 'summary'>

function Page({ shown, summary }: PageProps) {
  const { state, retry } = useApp()
  const [open, setOpen] = useState<Open>(undefined)
  const link = state.link.value
  useKeys({ '?': () => setOpen('help') })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
        event.preventDefault()
        setOpen((now) => (now === 'palette' ? undefined : 'palette'))
      } else {
        handleKey(event, logKeys)
      }
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [])
  return (
    <div class="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it is a link to a place on the page, whose fragment is the route. */}
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header shown={shown} summary={summary} open={setOpen} />
      <Banner link={link} retry={retry} />
      <main id="main" tabIndex={-1} class={link.state === 'stale' ? 'stale' : ''}>
        <Content shown={shown} retry={retry} />
      </main>
      <DialogOf open={open} setOpen={setOpen} shown={shown} />
    </div>
  )
}

function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function Content({ shown, retry }: { shown: PageProps['shown']; retry(): void }) {
  const { state } = useApp()
  const link = state.link.value
  const { session: name, unknown } = route.value
  if (link.state === 'login') return <Login reason={link.reason} />
  if (link.state === 'forbidden') return <Forbidden reason={link.reason} retry={retry} />
  if (unknown !== undefined) return <NoPage path={unknown} />
  if (shown) return state.sessions.value.has(shown.name) ? <SessionPage /> : <Gone name={shown.name} deleted />
  if (link.state === 'connecting') return null
  return name === undefined ? <SessionsPage /> : <Gone name={name} />
}
