// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import './timeline.css'
import { useMemo, useState } from 'preact/hooks'
import type { Session } from '../api/types'
import { useApp } from '../app'
import { moment } from '../model/format'
import { Chart } from './chart'
import { eventful, linesOf, type Order, pathOf, sortLines, wholeOf } from './lines'
import { moved, type Span, zoomed } from './scale'
import { Details, Legend, Path, Table } from './text'

/** TimelineView shows what each target of a Session did when, and what determined how long everything took. */
export default function TimelineView({ session }: { session: Session }) {
  const app = useApp()
  const name = session.metadata.name ?? ''
  const resources = app.state.resources(name).value
  const { done } = session.status
  const [order, setOrder] = useState<Order>('start')
  const [zoom, setZoom] = useState<Span>()
  const [table, showTable] = useState(false)
  const [chosen, choose] = useState<string>()

  const unsorted = useMemo(() => linesOf(session.status, resources), [session, resources])
  // Nothing counts time in a run that has ended.
  const now = done ? wholeOf(session, unsorted, moment(session.status.startTime)).to : app.now()
  const { steps, needs } = useMemo(() => pathOf(session, resources, now), [session, resources, now])
  // Durations that grow don't move lines: only another state does.
  const lines = useMemo(() => sortLines(unsorted, order, needs, now), [unsorted, order])
  const whole = wholeOf(session, unsorted, now)
  const span = zoom ?? eventful(unsorted, whole)
  const change = (f: (span: Span) => Span) => {
    setZoom((zoom) => {
      const to = f(zoom ?? span)
      return to.from === span.from && to.to === span.to ? zoom : to
    })
  }
  const middle = (span.from + span.to) / 2
  const common = { session: name, lines, steps, now }

  if (lines.length === 0) return <p class="timeline-note">Nothing was requested yet.</p>
  return (
    <div class="timeline">
      <div class="timeline-tools" role="toolbar" aria-label="Timeline">
        <Tool title="Zoom in (+)" name="Zoom in" text="+" press={() => change((s) => zoomed(s, 0.7, middle, whole))} />
        <Tool
          title="Zoom out (-)"
          name="Zoom out"
          text="−"
          press={() => change((s) => zoomed(s, 1.43, middle, whole))}
        />
        <Tool title="Earlier (left)" name="Earlier" text="←" press={() => change((s) => moved(s, -0.3, whole))} />
        <Tool title="Later (right)" name="Later" text="→" press={() => change((s) => moved(s, 0.3, whole))} />
        <button type="button" title="The time in which something happened" onClick={() => setZoom(undefined)}>
          Fit
        </button>
        <button type="button" title="The whole run (0)" onClick={() => setZoom(whole)}>
          All
        </button>
        <label>
          Sort{' '}
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
            <option value="start">by start</option>
            <option value="duration">by duration</option>
            <option value="graph">by dependencies</option>
          </select>
        </label>
        <button type="button" aria-pressed={table} onClick={() => showTable(!table)}>
          As a table
        </button>
      </div>
      <Path {...common} took={done ? whole.to - whole.from : undefined} />
      {table ? (
        <Table {...common} />
      ) : (
        <>
          <p id="timeline-keys" class="hidden-text">
            Up and down move along the lines, left and right in time, plus and minus zoom, 0 shows all, Enter opens.
          </p>
          <Chart
            {...common}
            {...{ span, whole, chosen, choose }}
            start={moment(session.status.startTime) || whole.from}
            goesOn={!done}
            setSpan={change}
          />
          <Details line={lines.find(({ target }) => target.name === chosen)} now={now} />
          <Legend lines={lines} critical={steps.length > 0} />
        </>
      )}
    </div>
  )
}

function Tool({ title, name, text, press }: { title: string; name: string; text: string; press(): void }) {
  return (
    <button type="button" title={title} aria-label={name} onClick={press}>
      {text}
    </button>
  )
}
