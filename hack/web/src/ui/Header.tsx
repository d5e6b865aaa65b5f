// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { useApp } from '../app'
import { moment } from '../model/format'
import { looks, type Phase } from '../model/phase'
import { ended, type Summary, summarize } from '../model/summary'
import { href, route } from '../router'
import { Glyph } from './Glyph'
import { Menu } from './Menu'
import { sessionLooks, Verdict } from './State'
import type { Shown } from './session'
import { Elapsed } from './Time'
import { visible } from './text'

interface Props {
  shown: Shown | undefined
  summary: Summary | undefined
  open(dialog: 'help' | 'settings' | 'palette'): void
}

/** Header is the first line of each page: where one is, how the Session is, and what is for all pages. */
export function Header({ shown, summary, open }: Props) {
  const link = useApp().state.link.value
  return (
    <header class={`top ${link.state === 'stale' ? 'stale' : ''}`}>
      <Switcher current={shown?.name} />
      {shown && summary && <Figures shown={shown} summary={summary} />}
      <div class="tools">
        <button
          type="button"
          class="search"
          aria-keyshortcuts="Control+K"
          title="Go to a resource or action (Ctrl+K)"
          onClick={() => open('palette')}
        >
          <Glyph name="search" />
          <span class="wide">Go to…</span>
          <kbd class="wide">Ctrl K</kbd>
        </button>
        <Tool label="Help and keys (?)" onClick={() => open('help')}>
          <Glyph name="help" />
        </Tool>
        <Tool label="Settings" onClick={() => open('settings')}>
          <Glyph name="settings" />
        </Tool>
        <User />
      </div>
    </header>
  )
}

function Tool({ label, onClick, children }: { label: string; onClick(): void; children: ComponentChildren }) {
  return (
    <button type="button" class="plain icon" aria-label={label} title={label} onClick={onClick}>
      {children}
    </button>
  )
}

function User() {
  const app = useApp()
  const user = app.state.user.value
  if (!user) return null
  const label = `${visible(user.name)}${user.viewOnly ? ', view only' : ''}`
  return (
    <Menu label={label} title={label} class="plain icon" button={<Glyph name="user" />}>
      <div class="about">
        <strong class="wraps">{visible(user.name)}</strong>
        <span class="muted">{user.viewOnly ? 'May look, and change nothing' : 'May change everything'}</span>
      </div>
      <button type="button" role="menuitem" onClick={() => app.actions.logout().catch(() => undefined)}>
        Log out
      </button>
    </Menu>
  )
}

function Switcher({ current }: { current: string | undefined }) {
  const sessions = [...useApp().state.sessions.value.values()]
  const label = current === undefined ? 'Sessions' : visible(current)
  const button = (
    <>
      <span class="cut">{label}</span>
      <Glyph name="down" />
    </>
  )
  return (
    <div class="switcher">
      <Menu label={`${label}: switch Session`} button={button} class="plain" start>
        {sessions.map((session) => {
          const name = session.metadata.name ?? ''
          const { phase } = sessionLooks[summarize(session, 0).state]
          return (
            <a key={name} role="menuitem" href={href({ session: name })} aria-current={name === current}>
              <span class={`state ${looks[phase].tone}`} aria-hidden="true">
                {looks[phase].sign}
              </span>
              <span class="cut">{visible(name)}</span>
            </a>
          )
        })}
        <a role="menuitem" class="last" href={href({ params: { all: '1' } })}>
          All Sessions
        </a>
      </Menu>
    </div>
  )
}

function Figures({ shown, summary }: { shown: Shown; summary: Summary }) {
  const { status, spec } = shown.session
  const counts: Array<[Phase, number, string]> = [
    ['failed', summary.failed, 'failed'],
    ['active', summary.active, 'running'],
    ['waiting', summary.waiting, 'waiting'],
    ['disabled', summary.disabled, 'disabled'],
  ]
  return (
    <div class="figures">
      <Verdict state={summary.state} />
      <span class="reached" title="Ready or succeeded, of all that are wanted">
        <strong>
          {summary.reached}/{summary.wanted}
          {summary.truncated ? '+' : ''}
        </strong>{' '}
        <span class="wide">ready</span>
      </span>
      <nav class="counts" aria-label="Filter by state">
        {counts.map(([phase, n, word]) => n > 0 && <Count key={phase} {...{ shown, phase, n, word }} />)}
      </nav>
      <span class="wide muted">
        <Elapsed from={moment(status.startTime)} to={ended(status, 0)} />
      </span>
      <span class="wide tag" title={exitTitle(spec.exitCondition)}>
        {spec.exitCondition}
      </span>
    </div>
  )
}

function Count({ shown, phase, n, word }: { shown: Shown; phase: Phase; n: number; word: string }) {
  const { params, resource } = route.value
  const set = params.state === phase && !resource
  const { state: _, ...rest } = params
  const to = href({ session: shown.name, view: 'table', params: set ? rest : { ...keep(params), state: phase } })
  return (
    <a class="chip" href={to} aria-current={set} title={`${n} ${word}`}>
      <span class={`state ${looks[phase].tone}`} aria-hidden="true">
        {looks[phase].sign}
      </span>
      {n} <span class="word">{word}</span>
    </a>
  )
}

/** keep are the parameters that belong to the table. */
function keep({ sort, group, filter }: Record<string, string>): Record<string, string> {
  return { ...(sort && { sort }), ...(group && { group }), ...(filter && { filter }) }
}

function exitTitle(condition: string): string {
  return condition === 'ci' ? 'ci: ends once all is ready or something fails' : 'manual: runs until it is ended'
}
