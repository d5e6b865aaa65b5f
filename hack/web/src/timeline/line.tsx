// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Step } from '../model/path'
import { href } from '../router'
import { visible } from '../ui/text'
import type { Segment } from './bars'
import { lineHeight } from './chart'
import type { Line } from './lines'
import { part, place, type Span } from './scale'
import { barWords, lineWords, segmentWords, signOf } from './words'

interface Props {
  session: string
  line: Line
  index: number
  count: number
  /** The part of the critical path that it is. */
  step: Step | undefined
  span: Span
  now: number
  /** Whether it is reached by Tab. */
  current: boolean
  chosen: boolean
  choose(target: string): void
}

/** LineView is a target: its name, and its executions as bars. */
export function LineView({ session, line, index, count, step, span, now, current, chosen, choose }: Props) {
  const { sign, tone } = signOf(line)
  const label = visible(line.label)
  const words = `${label}, ${lineWords(line, now)}${step ? ', on the critical path' : ''}`
  const select = () => choose(line.target.name)
  return (
    <li
      class={`timeline-line ${chosen ? 'chosen' : ''} ${step ? 'critical' : ''}`}
      aria-posinset={index + 1}
      aria-setsize={count}
      style={{ top: `${index * lineHeight}px` }}
      onPointerEnter={select}
      onFocusIn={select}
    >
      <div class="timeline-name">
        <span class={`timeline-sign ${tone}`} aria-hidden="true">
          {sign}
        </span>
        <a href={href({ session, resource: line.row })} tabIndex={current ? 0 : -1} aria-label={words} title={label}>
          {label}
        </a>
      </div>
      <div class="timeline-track" role="img" aria-label={line.bars.list.map((b) => barWords(b, now)).join('. ')}>
        {step && <Part class="timeline-critical" from={step.from} to={step.to} span={span} />}
        {line.bars.list.map((bar) =>
          bar.segments.map((segment) => (
            <SegmentView key={`${segment.kind} ${segment.from}`} segment={segment} span={span} now={now} />
          )),
        )}
        {line.bars.restarts.map((at) => (
          <Mark key={at} at={at} span={span} class="timeline-restart" title="started again after a failure" />
        ))}
      </div>
    </li>
  )
}

function SegmentView({ segment, span, now }: { segment: Segment; span: Span; now: number }) {
  const { kind, from, to, failed } = segment
  const open = to === 0
  return (
    <>
      <Part
        class={`timeline-part timeline-${kind} ${failed ? 'failed' : ''} ${open ? 'open' : ''}`}
        title={segmentWords(segment, now)}
        from={from}
        to={to || now}
        span={span}
      />
      {failed && <Mark at={to} span={span} class="timeline-cross" title="failed" text="✗" />}
    </>
  )
}

function Part(props: { class: string; title?: string; from: number; to: number; span: Span }) {
  const seen = part(props.from, props.to, props.span)
  if (!seen) return null
  return <div class={props.class} title={props.title} style={{ left: `${seen.left}%`, width: `${seen.width}%` }} />
}

function Mark({ at, span, text, ...rest }: { at: number; span: Span; class: string; title: string; text?: string }) {
  const left = place(at, span)
  if (left < 0 || left > 100) return null
  return (
    <div {...rest} style={{ left: `${left}%` }}>
      {text}
    </div>
  )
}
