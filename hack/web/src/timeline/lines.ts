// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Session, SessionStatus, Target, UIResource } from '../api/types'
import { between, moment } from '../model/format'
import { criticalPath, type Needs, needsOf, type Step } from '../model/path'
import { stateOf } from '../model/rows'
import { sources } from '../model/sources'
import { ended } from '../model/summary'
import { compareNames } from '../model/text'
import { type Bars, barsOf } from './bars'
import type { Span } from './scale'

/** Line is a target with its executions. */
export interface Line {
  target: Target
  /** The name of its resource or image, by which its log is selected. */
  row: string
  /** The name of the resource if that has no other target, else that of the target. */
  label: string
  /** The state of the target in words. */
  state: string
  bars: Bars
}

type Resources = ReadonlyMap<string, UIResource>

const known = new WeakMap<Target, { resource: UIResource | undefined; bars: Bars }>()

/** cached is barsOf, computed when a target or its resource changes. */
function cached(target: Target, resource: UIResource | undefined): Bars {
  const before = known.get(target)
  if (before && before.resource === resource) return before.bars
  const bars = barsOf(target, resource)
  known.set(target, { resource, bars })
  return bars
}

/** linesOf are the targets of a Session that were requested, in the order of their names. */
export function linesOf(status: SessionStatus, resources: Resources): Line[] {
  const counts = new Map<string, number>()
  for (const t of status.targets) for (const name of sources(t)) counts.set(name, (counts.get(name) ?? 0) + 1)
  const end = status.done ? ended(status, 0) : 0
  const lines = status.targets.map((target) => {
    const row = sources(target)[0] ?? target.name
    const label = counts.get(row) === 1 ? row : target.name
    const bars = cached(target, resources.get(row))
    return { target, row, label, state: stateOf(target, status), bars: end > 0 ? cut(bars, end) : bars }
  })
  return lines.filter((line) => line.bars.list.length > 0)
}

/** cut ends what went on at the end of a run. */
function cut(bars: Bars, end: number): Bars {
  const list = bars.list.map((bar) => ({
    ...bar,
    segments: bar.segments.map((segment) =>
      segment.to === 0 ? { ...segment, to: Math.max(end, segment.from) } : segment,
    ),
  }))
  return { ...bars, list, end: bars.end || (bars.start > 0 ? end : 0) }
}

/** Order is how lines are sorted. */
export type Order = 'start' | 'duration' | 'graph'

/** sortLines sorts lines: when they first began, by how long the last execution took, or after what they depend on. */
export function sortLines(lines: readonly Line[], order: Order, needs: Needs | undefined, now: number): Line[] {
  const depth = order === 'graph' ? depthsOf(lines, needs) : new Map<string, number>()
  const value = (line: Line) => {
    if (order === 'duration') return -tookOf(line, now)
    return order === 'graph' ? (depth.get(line.target.name) ?? 0) : line.bars.begun || Number.MAX_SAFE_INTEGER
  }
  const begun = ({ bars }: Line) => bars.begun || Number.MAX_SAFE_INTEGER
  const byStart = (a: Line, b: Line) =>
    begun(a) - begun(b) || a.bars.first - b.bars.first || compareNames(a.target.name, b.target.name)
  return lines
    .map((line) => ({ line, value: value(line) }))
    .sort((a, b) => a.value - b.value || byStart(a.line, b.line))
    .map(({ line }) => line)
}

/** tookOf is how long the last execution of a line took, until now if it goes on, -1 if there was none. */
export function tookOf({ bars }: Line, now: number): number {
  return between(bars.start, bars.end || now)
}

/** depthsOf are how many targets at least run one after the other before each. A circle ends at its beginning. */
function depthsOf(lines: readonly Line[], needs: Needs | undefined): Map<string, number> {
  const depths = new Map<string, number>()
  const images = new Set(lines.filter(({ target, row }) => target.name === row).map(({ row }) => row))
  const depth = (name: string): number => {
    const known = depths.get(name)
    if (known !== undefined) return known
    depths.set(name, 0)
    // Which other images an image needs isn't known: their starts order them.
    const list = images.has(name) ? [] : (needs?.(name) ?? [])
    const value = list.length > 0 ? 1 + Math.max(...list.map(depth)) : name === 'tiltfile:update' ? -1 : 0
    depths.set(name, value)
    return value
  }
  for (const line of lines) depth(line.target.name)
  return depths
}

/** wholeOf is the time that the lines take: from the start of the run to now, or to its end. */
export function wholeOf({ status }: Session, lines: readonly Line[], now: number): Span {
  const begun = [moment(status.startTime), ...lines.map((line) => line.bars.first)].filter((at) => at > 0)
  const from = begun.length > 0 ? Math.min(...begun) : now
  return { from, to: Math.max(ended(status, now), from + 1000) }
}

/**
 * eventful is the part of a whole in which something but serving and waiting happened, and a little after it: what is
 * of interest in a run that goes on for hours.
 */
export function eventful(lines: readonly Line[], whole: Span): Span {
  let last = 0
  for (const { bars } of lines) {
    for (const bar of bars.list) {
      for (const { kind, from, to } of bar.segments) {
        const goesOn = kind === 'update' || kind === 'starting' ? whole.to : from
        last = Math.max(last, to || goesOn)
      }
    }
    last = Math.max(last, ...bars.restarts)
  }
  const to = last + Math.max((last - whole.from) * 0.06, 500)
  return { from: whole.from, to: Math.max(Math.min(to, whole.to), whole.from + 1000) }
}

/** pathOf is the critical path of a Session, with what it needs. */
export function pathOf(
  session: Session,
  resources: Resources,
  now: number,
): { needs: Needs | undefined; steps: Step[] } {
  const needs = needsOf(session.status, resources)
  return { needs, steps: criticalPath(session.status, needs, now) }
}
