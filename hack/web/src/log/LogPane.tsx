// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef } from 'preact/hooks'
import { useApp } from '../app'
import { go, href, route } from '../router'
import { settings } from '../settings'
import { buildsOf } from './builds'
import { type Drawing, draw } from './draw'
import { FindBar } from './FindBar'
import type { Feed } from './feed'
import { type Filter, filters, formatFilter, keepLogParams, parseFilter } from './filter'
import { type Format, rowsText, rowText, type Seen, wholeLog } from './format'
import { useFeed, useFind } from './hooks'
import './log.css'
import { Blank, Foot, Notices } from './Notices'
import type { Part } from './pages'
import { rangeOf, rowsBetween, selectLine, withoutLine } from './range'
import { useKeys, useReading } from './reading'
import { nextTimestamps, Toolbar, toggleWrap } from './Toolbar'
import { useBackground } from './theme'
import { Viewport } from './Viewport'

interface Props {
  session: string
  /** All of the Session if empty. */
  resources: string[]
  /** The choices are folded away. */
  compact?: boolean
}

/** The filters of Sessions in this tab, for when the user comes back to a log. */
const remembered = new Map<string, Record<string, string>>()

/** LogPane is the log of a Session, or of some of its resources. */
export function LogPane({ session: name, resources, compact = false }: Props) {
  const log = useLog(name, resources)
  const { filter, feed, find, reading, view, seen, notices } = log
  return (
    <section class="log" ref={log.pane} aria-label={log.label}>
      <Toolbar
        filter={filter}
        builds={log.builds}
        error={log.invalid}
        compact={compact}
        finding={reading.finding}
        selected={!!log.range}
        downloading={reading.downloading}
        onFilter={log.setFilter}
        onFind={() => reading.find(!reading.finding)}
        onCopy={log.copySelected}
        onDownload={log.download}
      />
      {reading.finding && (
        <FindBar
          find={find}
          term={reading.term}
          current={reading.current}
          re={filter.re}
          onTerm={reading.setTerm}
          onNext={(direction) => reading.next(find, direction)}
          onClose={() => {
            reading.find(false)
            view.current?.focus()
          }}
        />
      )}
      <Notices {...notices} />
      <div class="log-body">
        <Viewport
          handle={view}
          window={feed.window}
          wrap={settings.wrap.value}
          columns={`${seen.timestamps} ${seen.resource}`}
          label={log.label}
          following={feed.following}
          settled={(window) => feed.busy !== 'jump' && feed.window === window}
          draw={(row, index, tab) => draw(log.drawing, row, index, tab)}
          onFollow={(following) => (following ? feed.end() : feed.stay())}
          onNear={(end) => (end === 'start' ? feed.older() : feed.newer())}
          onKey={log.pressed}
          onClick={log.clicked}
        />
        <Blank {...notices} />
        <Pill feed={feed} />
      </div>
      <Foot {...notices} />
    </section>
  )
}

function Pill({ feed }: { feed: Feed }) {
  if (feed.following || feed.phase.name !== 'ready') return null
  const lines = `${feed.unseen.toLocaleString('en')} new ${feed.unseen === 1 ? 'line' : 'lines'}`
  return (
    <button type="button" class="log-pill" title="Follow the log (End)" onClick={() => feed.end()}>
      {feed.unseen > 0 ? lines : 'To the end'} ↓
    </button>
  )
}

/** useLog is all that a pane shows, and what its controls do. */
function useLog(name: string, resources: string[]) {
  const { state, logs } = useApp()
  const session = state.sessions.value.get(name)
  const uid = session?.metadata?.uid ?? ''
  const { params } = route.value
  const filter = parseFilter(params)
  const only = resources.length === 1 ? resources[0] : undefined
  const builds = buildsOf(only === undefined ? undefined : state.resources(name).value.get(only))
  const build = builds.find(({ id }) => id === filter.build)
  const part: Part = { session: name, resources, filter, first: build?.first ?? 0, end: build?.end ?? 0 }
  const earlier = !!params.uid && !!uid && params.uid !== uid
  const range = earlier ? undefined : rangeOf(params)

  const pane = useRef<HTMLElement>(null)
  const view = useRef<Viewport>(null)
  const before = useRef<Feed>(undefined)
  const feed = useFeed(logs, part, uid, () => {
    if (before.current) return before.current.following ? undefined : view.current?.first
    return range?.from
  })
  const reading = useReading(feed, view)
  const find = useFind(logs, part, reading.finding ? reading.term : '', feed.arrived, reading.position, reading.found)
  const linked = useLinked(range?.from, reading.jump, view, before.current === undefined)
  useEffect(() => {
    before.current = feed
  }, [feed])
  useRemembered(name)

  const seen: Seen = {
    timestamps: settings.timestamps.value,
    start: session?.status?.startTime ?? undefined,
    resource: only === undefined,
  }
  const stop = new AbortController()
  const copySelected = () => {
    if (!range) return
    void reading.copy(
      async () => rowsText(await rowsBetween(logs, part, range, stop.signal), seen),
      range.from === range.to ? 'Line copied' : 'Lines copied',
    )
  }
  const drawing: Drawing = {
    session: name,
    rows: feed.window.rows,
    seen,
    background: useBackground(),
    params,
    address: lineAddress(params, uid),
    range,
    find,
    current: reading.current,
    term: find?.term ?? filter.q,
    re: filter.re,
  }
  useKeys(pane, {
    find: () => did(reading.find(true)),
    next: (direction) => reading.finding && reading.next(find, direction),
    home: () => did(reading.home()),
    end: () => did(feed.end()),
    wrap: () => did(toggleWrap()),
    timestamps: () => did(nextTimestamps()),
    copy: () => {
      if (range) copySelected()
      else if (String(getSelection())) void reading.copy(async () => String(getSelection()), 'Copied')
      else return false
      return true
    },
    offer: reading.offer,
    escape: () => {
      if (reading.finding) reading.find(false)
      else if (range) setParams(withoutLine(params))
      else return false
      return true
    },
  })
  const clicked = (event: MouseEvent) => {
    const at = event.target instanceof Element ? event.target : undefined
    const gutter = at?.closest<HTMLElement>('.log-gutter')
    const more = at?.closest<HTMLElement>('[data-more]')?.dataset.more
    if (gutter && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      getSelection()?.removeAllRanges()
      const next = selectLine(params, Number(gutter.dataset.seq), event.shiftKey, uid)
      linked.current = rangeOf(next)?.from
      setParams(next)
    }
    const row = more && feed.window.rows.find(({ key }) => key === more)
    const bare: Seen = { timestamps: 'off', start: undefined, resource: false }
    if (row) void reading.copy(async () => rowText(row, undefined, bare), 'Line copied')
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Home') reading.home()
    else if (event.key === 'End') feed.end()
    else return
    event.preventDefault()
  }
  const refusal = feed.phase.name === 'refused' ? feed.phase.error : undefined
  return {
    pane,
    view,
    feed,
    find,
    reading,
    filter,
    builds,
    range,
    seen,
    drawing,
    clicked,
    pressed,
    copySelected,
    label: only === undefined ? 'Log' : `Log of ${only}`,
    invalid: refusal && [400, 422].includes(refusal.code) ? refusal.message : undefined,
    setFilter: (changed: Filter) => {
      const next = formatFilter(changed, params)
      remembered.set(name, keepLogParams(next))
      setParams(next)
    },
    download: (format: Format) => {
      const file = `${[name, only]
        .filter(Boolean)
        .join('-')
        .replace(/[^\w.-]+/g, '_')}.${extensions[format]}`
      void reading.download(() => wholeLog(logs, part, format, stop.signal), file)
    },
    notices: {
      feed,
      session,
      link: state.link.value,
      earlier,
      filtered: filters(filter),
      said: reading.said,
      offered: reading.offered && !reading.finding,
      onFind: () => reading.find(true),
      onAgain: () => feed.open(),
    },
  }
}

const extensions: Record<Format, string> = { text: 'txt', ansi: 'ansi.txt', ndjson: 'ndjson' }

/** useLinked shows the line that the address links to, unless a click in the pane has set it. */
function useLinked(
  seq: number | undefined,
  jump: (seq: number) => void,
  view: { current: Viewport | null },
  begins: boolean,
) {
  const linked = useRef<number>(undefined)
  useEffect(() => {
    if (seq !== undefined && seq !== linked.current) {
      if (begins) view.current?.show(seq)
      else jump(seq)
    }
    linked.current = seq
  })
  return linked
}

/** useRemembered filters the log of a Session as it was filtered before, unless the address says something else. */
function useRemembered(name: string): void {
  useEffect(() => {
    const { params } = route.value
    const kept = remembered.get(name)
    const free = !params.seq && Object.keys(keepLogParams(params)).length === 0
    if (kept && free && Object.keys(kept).length > 0) setParams({ ...params, ...kept })
  }, [name])
}

function setParams(params: Record<string, string>): void {
  go({ ...route.value, params }, true)
}

/** lineAddress is the address of a line up to its number. */
function lineAddress(params: Readonly<Record<string, string>>, uid: string): string {
  const rest = withoutLine(params)
  const address = href({ ...route.value, params: uid ? { ...rest, uid } : rest })
  return address + (address.includes('?') ? '&' : '?')
}

function did(_: unknown): true {
  return true
}
