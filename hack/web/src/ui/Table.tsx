// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { untracked } from '@preact/signals'
import { useMemo, useRef, useState } from 'preact/hooks'
import { useApp } from '../app'
import { go, route } from '../router'
import { ViewOnly } from './Ask'
import { Bulk } from './Bulk'
import { GlobalButtons } from './Buttons'
import { type Arrangement, arrangementOf, type Entry, entriesOf } from './entries'
import { Grid } from './Grid'
import { useKeys } from './keys'
import { useShown } from './session'
import { plural, visible } from './text'

/** TablePage is the table of a Session's resources, with what chooses among them. */
export function TablePage() {
  const { rows } = useShown()
  const { now } = useApp()
  const { params } = route.value
  const how = useMemo(() => arrangementOf(params), [params])
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set())
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const entries = useMemo(() => entriesOf(rows, how, toggled, untracked(now)), [rows, how, toggled])
  const chosen = rows.list.filter((row) => selected.has(row.name))
  return (
    <div class="page">
      <Toolbar how={how} entries={entries} />
      {chosen.length > 0 && <Bulk rows={chosen} clear={() => setSelected(new Set())} />}
      {rows.list.length === 0 ? (
        <div class="empty">
          <h2>No resource yet</h2>
          <p class="muted">The Tiltfile hasn't been evaluated, or it defines none.</p>
        </div>
      ) : entries.length === 0 ? (
        <div class="empty">
          <h2>No resource is as wanted</h2>
          <div class="row">
            <button type="button" onClick={() => set({ filter: '', state: '', label: '' })}>
              Show all
            </button>
          </div>
        </div>
      ) : (
        <Grid
          entries={entries}
          how={how}
          selected={selected}
          setSelected={setSelected}
          toggle={(key) => setToggled((now) => flip(now, key))}
        />
      )}
    </div>
  )
}

/** flip returns a set with a key more or less. */
export function flip(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set)
  if (!next.delete(key)) next.add(key)
  return next
}

/** set changes parameters of the route; an empty one is removed. */
export function set(change: Record<string, string>): void {
  const { params, ...rest } = route.value
  const next = Object.entries({ ...params, ...change }).filter(([, value]) => value !== '')
  go({ ...rest, params: Object.fromEntries(next) }, true)
}

function Toolbar({ how, entries }: { how: Arrangement; entries: readonly Entry[] }) {
  const { rows } = useShown()
  const input = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => input.current?.focus() })
  const labels = useMemo(() => [...new Set(rows.list.flatMap((row) => row.labels))].sort(), [rows])
  const shown = entries.reduce((n, e) => n + (e.kind === 'row' ? 1 : e.open ? 0 : e.group.rows.length), 0)
  return (
    <div class="bar">
      <input
        ref={input}
        type="search"
        class="filter"
        aria-label="Filter resources"
        aria-keyshortcuts="/"
        title="Filter by words of name, label, state or reason; -word excludes (/)"
        placeholder="Filter"
        value={how.filter}
        onInput={(event) => set({ filter: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          event.preventDefault()
          if (how.filter) set({ filter: '' })
          else input.current?.blur()
        }}
      />
      <select
        aria-label="Group by"
        value={how.group}
        onChange={(event) => set({ group: noNone(event.currentTarget.value) })}
      >
        <option value="none">No groups</option>
        <option value="label">By label</option>
        <option value="state">By state</option>
        <option value="type">By type</option>
      </select>
      {labels.length > 0 && (
        <select
          class="wide"
          aria-label="Label"
          value={how.labels[0] ?? ''}
          onChange={(event) => set({ label: event.currentTarget.value })}
        >
          <option value="">All labels</option>
          {labels.map((label) => (
            <option key={label} value={label}>
              {visible(label)}
            </option>
          ))}
        </select>
      )}
      <select
        class="narrow"
        aria-label="Sort by"
        value={sortParam(how)}
        onChange={(event) => set({ sort: event.currentTarget.value })}
      >
        <option value="order">As in the Tiltfile</option>
        <option value="failed">Failed first</option>
        <option value="name">By name</option>
        <option value="-time">By time</option>
      </select>
      {how.phases.map((phase) => (
        <button key={phase} type="button" class="chip" onClick={() => set({ state: '' })}>
          {phase} <span aria-hidden="true">×</span>
          <span class="hidden-text">: show all states</span>
        </button>
      ))}
      <span class="muted wide">
        {shown === rows.list.length ? plural(shown, 'resource') : `${shown} of ${rows.list.length}`}
      </span>
      <span class="grow" />
      <ViewOnly />
      <GlobalButtons />
    </div>
  )
}

const noNone = (value: string) => (value === 'none' ? '' : value)
const sortParam = (how: Arrangement) => `${how.descending ? '-' : ''}${how.sort}`
