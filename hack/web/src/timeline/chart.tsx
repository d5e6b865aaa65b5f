// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Pointers } from '../graph/pointers'
import { duration } from '../model/format'
import type { Step } from '../model/path'
import { LineView } from './line'
import type { Line } from './lines'
import { moved, place, type Span, ticks, zoomed } from './scale'

/** The height of a line in px. */
export const lineHeight = 30

/** How many lines beyond the visible ones are there. */
const spare = 6

interface Props {
  session: string
  lines: readonly Line[]
  steps: readonly Step[]
  start: number
  span: Span
  whole: Span
  now: number
  /** Whether the run goes on, so that there is a line for now. */
  goesOn: boolean
  chosen: string | undefined
  choose(target: string): void
  setSpan(change: (span: Span) => Span): void
}

/** Chart shows the lines that can be seen of all. */
export function Chart(props: Props) {
  const { lines, span, whole, now, goesOn, chosen, setSpan } = props
  const scroller = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600, width: 800 })
  useView(scroller, setView)
  useGestures(scroller, whole, setSpan)
  const from = Math.max(Math.floor(view.top / lineHeight) - spare, 0)
  const to = Math.min(Math.ceil((view.top + view.height) / lineHeight) + spare, lines.length)
  const steps = new Map(props.steps.map((step) => [step.target.name, step]))
  const current = lines.some(({ target }) => target.name === chosen) ? chosen : lines[0]?.target.name
  const keys = (event: KeyboardEvent) => onKey(event, props, scroller.current)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys are those of the links within it.
    <div class="timeline-chart" ref={scroller} onKeyDown={keys}>
      <Axis span={span} start={props.start} width={view.width} />
      <ol
        class="timeline-lines"
        aria-label="Targets"
        aria-describedby="timeline-keys"
        style={{ height: `${lines.length * lineHeight}px` }}
      >
        {lines.slice(from, to).map((line, i) => (
          <LineView
            key={line.target.name}
            line={line}
            index={from + i}
            count={lines.length}
            step={steps.get(line.target.name)}
            current={line.target.name === current}
            chosen={line.target.name === chosen}
            {...{ session: props.session, span, now, choose: props.choose }}
          />
        ))}
      </ol>
      {goesOn && place(now, span) <= 100 && (
        <div class="timeline-over timeline-height" style={{ height: `${lines.length * lineHeight}px` }}>
          <div class="timeline-now" style={{ left: `${place(now, span)}%` }} />
        </div>
      )}
    </div>
  )
}

function Axis({ span, start, width }: { span: Span; start: number; width: number }) {
  const marks = ticks(span, start, Math.max(2, Math.floor(width / 160)))
  return (
    <div class="timeline-axis" aria-hidden="true">
      <div class="timeline-over">
        {marks.map((at) => (
          <span key={at} class="timeline-tick" style={{ left: `${place(at, span)}%` }}>
            {place(at, span) < 94 && duration(at - start).replace(/([hm])0[ms](0s)?$/, '$1')}
          </span>
        ))}
      </div>
    </div>
  )
}

type Scroller = { current: HTMLDivElement | null }

function useView(scroller: Scroller, setView: (view: { top: number; height: number; width: number }) => void): void {
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    const measure = () => {
      const { scrollTop: top, clientHeight, clientWidth } = element
      setView({ top, height: clientHeight || 600, width: clientWidth || 800 })
    }
    measure()
    element.addEventListener('scroll', measure, { passive: true })
    const observer = typeof ResizeObserver === 'undefined' ? undefined : new ResizeObserver(measure)
    observer?.observe(element)
    return () => {
      element.removeEventListener('scroll', measure)
      observer?.disconnect()
    }
  }, [scroller, setView])
}

function useGestures(scroller: Scroller, whole: Span, setSpan: Props['setSpan']): void {
  const known = useRef({ whole, setSpan })
  known.current = { whole, setSpan }
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const track = () => trackOf(element)
    const change = (f: (span: Span, whole: Span) => Span) =>
      known.current.setSpan((span) => f(span, known.current.whole))
    const zoom = (factor: number, x: number) => {
      const { left, width } = track()
      change((span, whole) => zoomed(span, factor, span.from + ((span.to - span.from) * (x - left)) / width, whole))
    }
    const pointers = new Pointers(element, (factor, at, by) => {
      change((span, whole) => moved(span, -by.x / track().width, whole))
      if (factor !== 1) zoom(1 / factor, at.x)
    })
    const wheel = (event: WheelEvent) => {
      const sideways = event.shiftKey ? event.deltaY : event.deltaX
      if (event.ctrlKey || event.metaKey) {
        zoom(Math.exp(event.deltaY / 300), event.clientX - element.getBoundingClientRect().left)
      } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        change((span, whole) => moved(span, sideways / track().width, whole))
      } else return
      event.preventDefault()
    }
    element.addEventListener('wheel', wheel, { passive: false })
    return () => {
      element.removeEventListener('wheel', wheel)
      pointers.close()
    }
  }, [scroller])
}

/** trackOf is where the bars are, in px from the left edge of the chart. */
function trackOf(element: HTMLElement): { left: number; width: number } {
  const box = element.querySelector('.timeline-over')?.getBoundingClientRect()
  const left = (box?.left ?? 0) - element.getBoundingClientRect().left
  return { left, width: box?.width || 1 }
}

function onKey(event: KeyboardEvent, { lines, chosen, choose, setSpan, whole }: Props, scroller: HTMLElement | null) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const middle = (span: Span) => (span.from + span.to) / 2
  const spans: Record<string, (span: Span) => Span> = {
    '+': (span) => zoomed(span, 0.7, middle(span), whole),
    '=': (span) => zoomed(span, 0.7, middle(span), whole),
    '-': (span) => zoomed(span, 1 / 0.7, middle(span), whole),
    '0': () => whole,
    ArrowLeft: (span) => moved(span, -0.2, whole),
    ArrowRight: (span) => moved(span, 0.2, whole),
  }
  const change = spans[event.key]
  const at = lines.findIndex(({ target }) => target.name === chosen)
  const rows: Record<string, number> = {
    ArrowUp: at - 1,
    ArrowDown: at + 1,
    PageUp: at - 10,
    PageDown: at + 10,
    Home: 0,
    End: lines.length - 1,
  }
  const row = rows[event.key]
  if (change) setSpan(change)
  else if (row !== undefined) {
    const next = Math.min(Math.max(row, 0), lines.length - 1)
    choose(lines[next]?.target.name ?? '')
    show(scroller, next)
  } else return
  event.preventDefault()
}

/** show scrolls to a line and moves the focus to it, once it is there. */
function show(scroller: HTMLElement | null, index: number): void {
  if (!scroller) return
  const top = index * lineHeight
  const space = scroller.clientHeight - 2 * lineHeight
  if (top < scroller.scrollTop) scroller.scrollTop = top
  else if (top > scroller.scrollTop + space) scroller.scrollTop = top - space
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      scroller.querySelector<HTMLElement>(`[aria-posinset="${index + 1}"] a`)?.focus({ preventScroll: true })
    }),
  )
}
