// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { duration, percent } from '../model/format'
import type { Step } from '../model/path'
import { href } from '../router'
import { visible } from '../ui/text'
import { type Kind, kinds } from './bars'
import { type Line, tookOf } from './lines'
import { barWords, clock, signOf } from './words'

interface PathProps {
  session: string
  steps: readonly Step[]
  lines: readonly Line[]
}

/**
 * Path is the critical path as text, with the share of each step: of the time that the run took, or of the path itself
 * while the run goes on.
 */
export function Path({ session, steps, lines, took }: PathProps & { took: number | undefined }) {
  const sum = steps.reduce((ms, step) => ms + step.to - step.from, 0)
  if (steps.length === 0) return null
  return (
    <div class="timeline-path">
      <span>
        Critical path: {duration(sum)}
        {took !== undefined && ` of ${duration(took)}`}
      </span>
      <ol>
        {steps.map(({ target, from, to }) => {
          const line = lines.find((other) => other.target === target)
          return (
            <li key={target.name}>
              <a href={href({ session, resource: line?.row ?? target.name })}>{visible(line?.label ?? target.name)}</a>{' '}
              {percent(to - from, took ?? sum)} <small>{duration(to - from)}</small>
            </li>
          )
        })}
      </ol>
    </div>
  )
}

/** Legend names what the lines show. */
export function Legend({ lines, critical }: { lines: readonly Line[]; critical: boolean }) {
  const segments = lines.flatMap(({ bars }) => bars.list.flatMap((bar) => bar.segments))
  const there = new Set(segments.map(({ kind }) => kind))
  const entries = (Object.keys(kinds) as Kind[])
    .filter((kind) => there.has(kind))
    .map((kind) => [`timeline-part timeline-${kind}`, kinds[kind]])
  if (segments.some(({ failed }) => failed)) entries.push(['timeline-part timeline-update failed', 'fails ✗'])
  if (lines.some(({ bars }) => bars.restarts.length > 0)) entries.push(['timeline-restart', 'starts again'])
  if (critical) entries.push(['timeline-critical', 'critical path'])
  return (
    <ul class="timeline-legend">
      {entries.map(([swatch, words]) => (
        <li key={words}>
          <span class="timeline-swatch" aria-hidden="true">
            <span class={swatch} />
          </span>
          {words}
        </li>
      ))}
    </ul>
  )
}

/** How many of its executions the details of a line name. */
const shown = 4

/** Details says the times of the line that has the focus or is under the pointer. */
export function Details({ line, now }: { line: Line | undefined; now: number }) {
  if (!line)
    return <p class="timeline-details">Move over a line, or along the lines by the arrow keys, for its times.</p>
  const { sign, tone } = signOf(line)
  const list = line.bars.list.slice(-shown)
  return (
    <div class="timeline-details">
      <span class={`timeline-sign ${tone}`} aria-hidden="true">
        {sign}
      </span>{' '}
      <b>{visible(line.target.name)}</b> {line.state}
      <ul>
        {list.toReversed().map((bar) => (
          <li key={bar.segments[0]?.from}>{barWords(bar, now)}</li>
        ))}
      </ul>
    </div>
  )
}

/** How many rows of the table are shown at first, and more at a time. */
const page = 200

/** Table says in a table what the timeline says. */
export function Table({ session, lines, steps, now }: PathProps & { now: number }) {
  const [limit, setLimit] = useState(page)
  const critical = new Set(steps.map(({ target }) => target.name))
  return (
    <div class="timeline-table">
      <table>
        <caption>{lines.length} targets</caption>
        <thead>
          <tr>
            {['Target', 'State', 'Runs', 'Waited', 'Took', 'Began', 'Ready or ended', 'Critical path'].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, limit).map((line) => (
            <tr key={line.target.name}>
              <th scope="row">
                <a href={href({ session, resource: line.row })}>{visible(line.label)}</a>
              </th>
              <td>
                {signOf(line).sign} {line.state}
              </td>
              <td>{line.bars.list.length}</td>
              <td>{duration(waited(line, now))}</td>
              <td>{duration(tookOf(line, now))}</td>
              <td>{line.bars.start > 0 && clock(line.bars.start)}</td>
              <td>{line.bars.end > 0 && clock(line.bars.end)}</td>
              <td>{critical.has(line.target.name) && 'yes'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > limit && (
        <button type="button" onClick={() => setLimit(limit + page)}>
          Show {Math.min(page, lines.length - limit)} more
        </button>
      )}
    </div>
  )
}

/** waited is how long the last execution of a line has waited before it began. */
function waited(line: Line, now: number): number {
  const waits = line.bars.list.at(-1)?.segments.filter(({ kind }) => ['dependency', 'slot', 'retry'].includes(kind))
  return (waits ?? []).reduce((ms, { from, to }) => ms + (to || now) - from, 0)
}
