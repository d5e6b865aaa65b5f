// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef } from 'preact/hooks'
import { useApp } from '../app'
import { href, route } from '../router'
import { settings } from '../settings'
import { buildsOf } from './builds'
import type { Drawing } from './draw'
import type { Feed } from './feed'
import { type Filter, filters, formatFilter, parseFilter } from './filter'
import { type Format, rowsText, rowText, type Seen, wholeLog } from './format'
import { useFeed, useFind } from './hooks'
import { reason } from './Notices'
import type { Part } from './pages'
import { remember, setParams, useLinked, useRemembered } from './params'
import { type Range, rangeOf, rowsBetween, selectLine, withoutLine } from './range'
import { type Reading, useKeys, useReading } from './reading'
import { nextTimestamps, toggleWrap } from './Toolbar'
import { useBackground } from './theme'
import type { Viewport } from './Viewport'
import { indexOf } from './window'

/** useLog is all that a pane shows, and what its controls do. */
export function useLog(name: string, resources: string[]) {
  const { state } = useApp()
  const source = useSource(name, resources)
  const { session, uid, part, range, only } = source
  const { params } = route.value
  const log = useFeedOf(source)
  const pane = useRef<HTMLElement>(null)
  const { feed, find, reading, view } = log
  const seen: Seen = {
    timestamps: settings.timestamps.value,
    start: session?.status?.startTime ?? undefined,
    resource: only === undefined,
  }
  const drawing: Drawing = {
    session: name,
    rows: feed.window.rows,
    seen,
    background: useBackground(pane),
    params,
    address: lineAddress(params, uid),
    range,
    find,
    current: reading.current && feed.window.rows[indexOf(feed.window.rows, reading.current)]?.seq,
    term: find?.term ?? part.filter.q,
    re: part.filter.re,
  }
  const files = useFiles(part, range, seen, reading)
  useKeys(pane, {
    ...log.keys,
    wrap: () => did(toggleWrap()),
    timestamps: () => did(nextTimestamps()),
    copy: () => files.copy(),
    escape: () => {
      if (reading.finding) reading.find(false)
      else if (range) setParams(withoutLine(params))
      else return false
      return true
    },
  })
  const refusal = feed.phase.name === 'refused' ? feed.phase.error : undefined
  return {
    ...source,
    pane,
    view,
    feed,
    find,
    reading,
    seen,
    drawing,
    clicked: clicks(feed, reading, (seq, extend) => log.select(selectLine(params, seq, extend, uid))),
    pressed: log.pressed,
    copySelected: () => void files.copy(),
    dragged: (from: number, to: number) => {
      getSelection()?.removeAllRanges()
      log.select(selectLine({ ...params, seq: String(from), to: '' }, to, true, uid))
    },
    download: files.download,
    filter: part.filter,
    invalid: refusal && [400, 422].includes(refusal.code) ? reason(refusal.message) : undefined,
    setFilter: (filter: Filter) => remember(name, formatFilter(filter, params)),
    notices: {
      feed,
      session,
      link: state.link.value,
      filtered: filters({ ...part.filter, build: '' }),
      offered: reading.offered && !reading.finding,
      onFind: () => reading.find(true),
      onAgain: () => feed.open(),
    },
  }
}

type Source = ReturnType<typeof useSource>

/** useSource is which part of which log the address selects. */
function useSource(name: string, resources: string[]) {
  const { state } = useApp()
  const session = state.sessions.value.get(name)
  const uid = session?.metadata?.uid ?? ''
  const { params } = route.value
  const filter = parseFilter(params)
  const only = resources.length === 1 ? resources[0] : undefined
  const builds = buildsOf(only === undefined ? undefined : state.resources(name).value.get(only))
  const build = builds.find(({ id }) => id === filter.build)
  const part: Part = { session: name, resources, filter, first: build?.first ?? 0, end: build?.end ?? 0 }
  const label = only === undefined ? 'Log' : `Log of ${only}`
  return { session, uid, only, builds, part, range: rangeOf(params), label }
}

/** useFeedOf is the feed of a part of a log, and where its reader is. */
function useFeedOf({ part, uid, range }: Source) {
  const { logs } = useApp()
  const view = useRef<Viewport>(null)
  const before = useRef<Feed>(undefined)
  const known = before.current
  const feed = useFeed(logs, part, uid, () => {
    if (known) return known.following ? undefined : view.current?.first
    return range?.from
  })
  const reading = useReading(feed, view)
  // A link to a line shows that line, not what is found.
  const found = (seq: number) => !(range && reading.linked) && reading.found(seq)
  const find = useFind(logs, part, uid, reading.term, feed.arrived, reading.position, found)
  const linked = useLinked(range?.from, (seq) => (known ? reading.jump(seq) : view.current?.show(seq)))
  useEffect(() => {
    before.current = feed
  }, [feed])
  useRemembered(part.session)
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Home') reading.home()
    else if (event.key === 'End') feed.end()
    else return
    event.preventDefault()
  }
  const select = (params: Record<string, string>) => {
    linked.current = rangeOf(params)?.from
    setParams(params)
  }
  const keys = {
    find: () => did(reading.find(true)),
    next: (direction: 1 | -1) => reading.finding && reading.next(find, direction),
    home: () => did(reading.home()),
    end: () => did(feed.end()),
    offer: reading.offer,
  }
  return { feed, find, reading, view, pressed, select, keys }
}

const extensions: Record<Format, string> = { text: 'txt', ansi: 'ansi.txt', ndjson: 'ndjson' }

/** useFiles copies and downloads lines, until the pane is gone. */
function useFiles(part: Part, range: Range | undefined, seen: Seen, reading: Reading) {
  const { logs } = useApp()
  const stop = useRef(new AbortController())
  useEffect(() => {
    const controller = new AbortController()
    stop.current = controller
    return () => controller.abort()
  }, [])
  return {
    /** copy copies the lines of the range, else what is selected in the browser. */
    copy: () => {
      const { signal } = stop.current
      const text = String(getSelection() ?? '')
      if (range) void reading.copy(async () => rowsText(await rowsBetween(logs, part, range, signal), seen), 'Copied')
      else if (text) void reading.copy(async () => text, 'Copied')
      return !!range || text !== ''
    },
    download: (format: Format) => {
      const name = [part.session, ...(part.resources.length === 1 ? part.resources : [])].join('-')
      const file = `${name.replace(/[^\w.-]+/g, '_')}.${extensions[format]}`
      void reading.download(() => wholeLog(logs, part, format, stop.current.signal), file)
    },
  }
}

const bare: Seen = { timestamps: 'off', start: undefined, resource: false }

/** clicks handles clicks on rows: on the number of a line, and on the end of one that is cut. */
function clicks(feed: Feed, reading: Reading, select: (seq: number, extend: boolean) => void) {
  return (event: MouseEvent) => {
    const at = event.target instanceof Element ? event.target : undefined
    const gutter = at?.closest<HTMLElement>('.log-gutter')
    const more = at?.closest<HTMLElement>('[data-more]')?.dataset.more
    if (gutter && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      getSelection()?.removeAllRanges()
      select(Number(gutter.dataset.seq), event.shiftKey)
    }
    const row = more && feed.window.rows.find(({ key }) => key === more)
    if (row) void reading.copy(async () => rowText(row, undefined, bare), 'Line copied')
  }
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
