// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { clock as clockOf } from '../log/format'
import { duration } from '../model/format'
import { looks, phaseOf } from '../model/phase'
import { type Bar, kinds, type Segment } from './bars'
import { type Line, tookOf } from './lines'

/** clock is a moment as the log has it. */
export function clock(at: number): string {
  return clockOf(new Date(at))
}

/** segmentWords is a segment in words: "runs 3.1s, 12:00:01.250 – 12:00:04.300". */
export function segmentWords({ kind, from, to, failed }: Segment, now: number): string {
  const took = duration(Math.max((to || now) - from, 0))
  return `${kinds[kind]} ${took}${failed ? ', fails' : ''}, ${clock(from)} – ${to ? clock(to) : 'now'}`
}

/** barWords is an execution in words. */
export function barWords(bar: Bar, now: number): string {
  const number = bar.n > 0 ? `run ${bar.n}` : ''
  const what = [number, bar.reason && `(${bar.reason})`].filter(Boolean).join(' ')
  const parts = bar.segments.map((segment) => segmentWords(segment, now))
  if (bar.failure) parts.push(bar.failure)
  return `${what && `${what}: `}${parts.join('; ')}`
}

/** lineWords is a line in a few words, for readers who don't see it. */
export function lineWords(line: Line, now: number): string {
  const took = duration(tookOf(line, now))
  const runs = line.bars.list.length
  return [line.state, took && `took ${took}`, runs > 1 && `${runs} runs`].filter(Boolean).join(', ')
}

/** signOf is the sign of a line, with its tone. */
export function signOf(line: Line) {
  return looks[phaseOf(line.target)]
}
