// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks'
import { useApp } from '../app'
import type { SortKey } from '../model/arrange'
import { useAsking, useReason } from './Ask'
import { type Arrangement, type Entry, held, keyOf, nextSort, partsOf, windowOf } from './entries'
import { useKeys } from './keys'
import { switchable, useShown } from './session'
import { set } from './Table'
import { GroupLine, TableRow } from './TableRow'
import { webLink } from './text'

interface Props {
  entries: Entry[]
  how: Arrangement
  selected: ReadonlySet<string>
  setSelected(names: ReadonlySet<string>): void
  toggle(key: string): void
}

const columns: ReadonlyArray<readonly [string, string, SortKey?]> = [
  ['statecell', 'State', 'state'],
  ['name', 'Name', 'name'],
  ['labels', 'Labels'],
  ['number time', 'Time', 'time'],
  ['number last', 'Last run', 'duration'],
  ['number restarts', 'Restarts', 'restarts'],
  ['why', 'Why'],
  ['links', 'Links'],
]

/** Grid is the table itself. A large one renders only the lines that are seen. */
export function Grid({ entries: arranged, how, selected, setSelected, toggle }: Props) {
  const { name } = useShown()
  const box = useRef<HTMLElement>(null)
  const entries = useHeld(arranged, how, box)
  const { from, to, line } = useWindow(entries.length, box)
  const parts = partsOf(entries, from, to, entries.findIndex(hasFocus()))
  const last = useRef('')
  const select = useRef((_: string, __: boolean) => {})
  select.current = (row, range) => {
    setSelected(selection(selected, entries, last.current, row, range))
    last.current = row
  }
  const choose = useRef((row: string, range: boolean) => select.current(row, range)).current
  const refusal = useRowKeys(entries, box, line)
  const all = entries.flatMap((entry) => (entry.kind === 'row' ? [entry.row.name] : []))
  const every = all.length > 0 && all.every((row) => selected.has(row))
  return (
    <>
      {refusal && (
        <p class="notice bad" role="alert">
          {refusal}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section class="scroll" ref={box} tabIndex={0} aria-label="Resources">
        <table class="grid" aria-rowcount={entries.length + 1} aria-label="Resources">
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" class="select">
                <label class="target">
                  <input
                    type="checkbox"
                    aria-label="Select all"
                    checked={every}
                    onClick={() => setSelected(new Set(every ? [] : all))}
                  />
                </label>
              </th>
              {columns.map(([style, title, key]) => (
                <Column key={title} style={style} title={title} sort={key} how={how} />
              ))}
              <th scope="col" class="act">
                <span class="hidden-text">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map(({ entry, index, skipped }) =>
              !entry ? (
                <Space key={`s ${index}`} lines={skipped} line={line} />
              ) : entry.kind === 'row' ? (
                <TableRow
                  key={keyOf(entry)}
                  session={name}
                  row={entry.row}
                  index={index + 2}
                  selected={selected.has(entry.row.name)}
                  select={choose}
                />
              ) : (
                <GroupLine key={keyOf(entry)} entry={entry} index={index + 2} toggle={toggle} />
              ),
            )}
          </tbody>
        </table>
      </section>
    </>
  )
}

/** hasFocus finds the row that has the focus. */
function hasFocus(): (entry: Entry) => boolean {
  const name = document.activeElement?.closest<HTMLElement>('.grid tr.line')?.dataset.name
  return (entry) => entry.kind === 'row' && entry.row.name === name
}

function Space({ lines, line }: { lines: number; line: number }) {
  return (
    <tr class="space">
      <td colSpan={10} style={{ height: `${lines * line}px` }} />
    </tr>
  )
}

interface ColumnProps {
  style: string
  title: string
  sort: SortKey | undefined
  how: Arrangement
}

function Column({ style, title, sort, how }: ColumnProps) {
  if (!sort) {
    return (
      <th scope="col" class={style}>
        {title}
      </th>
    )
  }
  const sorted = how.sort === sort ? (how.descending ? 'descending' : 'ascending') : undefined
  return (
    <th scope="col" class={style} aria-sort={sorted ?? 'none'}>
      <button type="button" class="plain" onClick={() => set({ sort: nextSort(how, sort) ?? '' })}>
        {title}
        <span aria-hidden="true" class="arrow">
          {sorted === 'ascending' ? '↑' : sorted === 'descending' ? '↓' : ''}
        </span>
      </button>
    </th>
  )
}

/** selection is what is selected after a click on a row; with a range, all from the last one on. */
function selection(now: ReadonlySet<string>, entries: readonly Entry[], last: string, row: string, range: boolean) {
  const next = new Set(now)
  const names = entries.flatMap((entry) => (entry.kind === 'row' ? [entry.row.name] : []))
  const [a, b] = [names.indexOf(last), names.indexOf(row)].sort((x, y) => x - y)
  if (range && a !== undefined && b !== undefined && a >= 0) {
    for (const name of names.slice(a, b + 1)) next.add(name)
  } else if (!next.delete(row)) {
    next.add(row)
  }
  return next
}

/** useHeld keeps the order of the lines while one of them has the focus, unless what is wanted has changed. */
function useHeld(arranged: Entry[], how: Arrangement, box: { current: HTMLElement | null }): Entry[] {
  const { rows } = useShown()
  const [, render] = useReducer((n: number) => n + 1, 0)
  const before = useRef({ entries: arranged, how, arranged })
  useEffect(() => {
    const out = (event: FocusEvent) => {
      if (!(event.relatedTarget instanceof Element && event.relatedTarget.closest('tbody'))) render(0)
    }
    const element = box.current
    element?.addEventListener('focusout', out)
    return () => element?.removeEventListener('focusout', out)
  }, [])
  const focused = document.activeElement?.closest('.grid tbody tr.line')
  const old = before.current
  // A group that was opened or closed brings other lines than rows that come or go.
  const toggled = openOf(old.arranged) !== openOf(arranged)
  const entries = focused && old.how === how && !toggled ? held(old.entries, arranged, rows) : arranged
  before.current = { entries, how, arranged }
  return entries
}

function openOf(entries: readonly Entry[]): string {
  return entries.flatMap((entry) => (entry.kind === 'group' && entry.open ? [entry.group.key] : [])).join('\n')
}

/** useWindow are the lines to render, and the height of one. */
function useWindow(total: number, box: { current: HTMLElement | null }) {
  const [, render] = useReducer((n: number) => n + 1, 0)
  const line = useRef(32)
  const view = useRef({ top: 0, height: 800 })
  useLayoutEffect(() => {
    const element = box.current
    if (!element) return
    let frame = 0
    const moved = () => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(() => {
        view.current = { top: element.scrollTop, height: element.clientHeight || 800 }
        line.current = element.querySelector('tr.line')?.getBoundingClientRect().height || line.current
        render(0)
      })
    }
    moved()
    const size = new ResizeObserver(moved)
    size.observe(element)
    element.addEventListener('scroll', moved, { passive: true })
    return () => {
      cancelAnimationFrame(frame)
      size.disconnect()
      element.removeEventListener('scroll', moved)
    }
  }, [])
  // Layout is asked for when something has moved, not with each change of a row, which would have to wait for it.
  const { top, height } = view.current
  return { ...windowOf(total, top, height, line.current), line: line.current }
}

/** useRowKeys moves the focus among the rows by keys, and acts on the one that has it. */
function useRowKeys(entries: readonly Entry[], box: { current: HTMLElement | null }, line: number): string {
  const { actions } = useApp()
  const { refusal, ask } = useAsking()
  const viewer = useReason()
  const { name } = useShown()
  const at = useRef('')
  const row = () => {
    const focused = document.activeElement?.closest<HTMLElement>('tr.line')?.dataset.name
    const found = entries.find((entry) => entry.kind === 'row' && entry.row.name === focused)
    return found?.kind === 'row' ? found.row : undefined
  }
  const move = (step: number) => () => {
    const current = row()?.name ?? at.current
    const index = entries.findIndex((entry) => entry.kind === 'row' && entry.row.name === current)
    let next = index < 0 ? (step > 0 ? 0 : entries.length - 1) : index + step
    while (entries[next]?.kind === 'group') next += step
    const entry = entries[next]
    if (entry?.kind === 'row') focusRow(box.current, entry.row.name, next, line)
    at.current = entry?.kind === 'row' ? entry.row.name : at.current
  }
  const press = () => {
    const focused = document.activeElement?.closest('tr.line')
    focused?.querySelector<HTMLButtonElement>('.act button')?.click()
  }
  const link = (n: number) => () => {
    const address = webLink(row()?.links[n]?.url ?? '')
    if (address) window.open(address, '_blank', 'noopener,noreferrer')
  }
  const turn = () => {
    const current = row()
    if (viewer || !current || !switchable([current]).length) return
    const { enable, disable } = actions
    ask(() => (current.phase === 'disabled' ? enable(name, [current.name]) : disable(name, [current.name])))
  }
  const numbers = Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`${n}`, link(n - 1)]))
  useKeys({
    j: move(1),
    k: move(-1),
    ...(document.activeElement?.closest('tr.line') && { ArrowDown: move(1), ArrowUp: move(-1) }),
    t: () => row()?.phase !== 'disabled' && press(),
    e: turn,
    ...numbers,
  })
  return refusal
}

/** focusRow scrolls to a row, and gives its link the focus once it is rendered. */
function focusRow(box: HTMLElement | null, name: string, index: number, line: number): void {
  if (!box) return
  const top = index * line
  const head = box.querySelector('thead')?.getBoundingClientRect().height ?? 0
  if (top < box.scrollTop) box.scrollTop = top
  else if (top + line + head > box.scrollTop + box.clientHeight) box.scrollTop = top + line + head - box.clientHeight
  const focus = () => {
    const found = [...box.querySelectorAll<HTMLElement>('tr.line')].find((tr) => tr.dataset.name === name)
    found?.querySelector<HTMLElement>('.name a')?.focus()
    return !!found
  }
  if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus))
}
