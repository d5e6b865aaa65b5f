// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { Component } from 'preact'
import { cut, type Parsed, parse, type Run } from './ansi'
import type { Rgb } from './color'
import { type Mark, marks } from './filter'
import { missedText } from './format'
import { look } from './look'
import type { LineRow, Row } from './window'

/** LineProps is what a row depends on. A row whose props are the same isn't drawn again. */
export interface LineProps {
  row: Row
  background: Rgb
  /** The time as it is shown, "" without the column. */
  time: string
  /** The address of the resource, "" without the column. */
  resource: string
  /** The address of the line. */
  href: string
  selected: boolean
  /** Whether the line is among those that were found, and whether it is the present one of them. */
  found: boolean
  current: boolean
  /** What is marked in the text. */
  term: string
  re: boolean
  /** Whether Tab gets to the line. */
  tab: boolean
}

/** Line is a row of the log. */
export class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    return (Object.keys(next) as (keyof LineProps)[]).some((name) => next[name] !== this.props[name])
  }

  render() {
    const { row } = this.props
    if (row.kind === 'gap') {
      return (
        <div class="log-row log-note" data-key={row.key}>
          <span aria-hidden="true">⋯</span>
          <span class="log-offscreen">Lines that don't match</span>
        </div>
      )
    }
    if (row.kind === 'missed') {
      return (
        <div class="log-row log-note log-missed" data-key={row.key}>
          {missedText(row.count, row.resource)}
        </div>
      )
    }
    return this.line(row)
  }

  private line(row: LineRow) {
    const { props } = this
    const { line } = row
    const parsed = parsedOf(row)
    return (
      <div class={rowClass(props, line.level, line.own)} data-key={row.key}>
        <a
          class="log-gutter"
          href={props.href}
          data-seq={row.seq}
          tabIndex={props.tab ? 0 : -1}
          aria-label={`Line ${row.seq}`}
          aria-current={props.selected ? 'true' : undefined}
          title="Link to this line; with Shift, to the lines up to here"
        >
          <span>{row.seq}</span>
        </a>
        {props.time && (
          <time class="log-time" dateTime={line.time} title={line.time}>
            {props.time}
          </time>
        )}
        {props.resource && (
          <a
            class="log-resource"
            style={{ color: `var(--ansi${hue(line.resource)})` }}
            href={props.resource}
            tabIndex={-1}
            title={line.resource}
          >
            {line.resource}
          </a>
        )}
        {line.level !== 'info' && <span class={`log-level log-level-${line.level}`}>{line.level}</span>}
        <span class="log-text">
          {row.headless && (
            <span class="log-begun" title="The beginning of this line isn't here">
              ↪{' '}
            </span>
          )}
          {texts(parsed, props)}
          {parsed.more > 0 && (
            <button type="button" class="log-more" data-more={row.key} title="Copy the whole line">
              … {parsed.more.toLocaleString('en')} more characters
            </button>
          )}
        </span>
      </div>
    )
  }
}

function rowClass(props: LineProps, level: string, own: boolean | undefined): string {
  const names = ['log-row', `log-${level}`]
  if (own) names.push('log-own')
  if (props.selected) names.push('log-selected')
  if (props.found) names.push('log-found')
  if (props.current) names.push('log-current')
  return names.join(' ')
}

/** hue is the colour of a resource, which is the same in each browser. */
function hue(resource: string): number {
  let hash = 0
  for (let i = 0; i < resource.length; i++) hash = (hash * 31 + resource.charCodeAt(i)) | 0
  return hues[Math.abs(hash) % hues.length] ?? 4
}

const hues = [4, 2, 5, 6, 3, 12, 13, 10] as const

const parsedRows = new WeakMap<LineRow, Parsed>()

function parsedOf(row: LineRow): Parsed {
  let parsed = parsedRows.get(row)
  if (!parsed) {
    parsed = parse(row.text)
    parsedRows.set(row, parsed)
  }
  return parsed
}

function texts(parsed: Parsed, { term, re, background }: LineProps) {
  const found = term ? (marks(parsed.text, term, re) ?? []) : []
  const parts = cut(parsed.runs, found.flat())
  return parts.map(({ run, start }) => text(run, background, inside(found, start), start))
}

function inside(found: readonly Mark[], start: number): boolean {
  return found.some(([from, to]) => from <= start && start < to)
}

function text({ text, style }: Run, background: Rgb, marked: boolean, key: number) {
  const { className, color, background: back } = look(style, background)
  const content = marked ? <mark>{text}</mark> : text
  const css = { ...(color && { color }), ...(back && { backgroundColor: back }) }
  if (style.href) {
    return (
      <a
        key={key}
        class={`log-link ${className}`}
        style={css}
        href={style.href}
        {...outside}
        title={style.href}
        tabIndex={-1}
      >
        {content}
      </a>
    )
  }
  if (!className && !color && !marked) return text
  return (
    <span key={key} class={className} style={css}>
      {content}
    </span>
  )
}

const outside = { target: '_blank', rel: 'noopener noreferrer' } as const
