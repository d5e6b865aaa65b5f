// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** Span is a part of time in ms of the epoch. */
export interface Span {
  from: number
  to: number
}

/** The shortest part of time that is shown, in ms. */
const shortest = 20

/** place is where a moment is in a span, in percent of it: below 0 before it, above 100 after it. */
export function place(at: number, span: Span): number {
  return (100 * (at - span.from)) / (span.to - span.from)
}

/** part is the part of a segment that a span shows, in percent; undefined if it shows none. */
export function part(from: number, to: number, span: Span): { left: number; width: number } | undefined {
  const left = Math.max(place(from, span), 0)
  const right = Math.min(place(to, span), 100)
  return right < 0 || left > 100 || right < left ? undefined : { left, width: right - left }
}

/** zoomed is a span by a factor longer or shorter, in which a moment keeps its place. It stays within a whole. */
export function zoomed(span: Span, factor: number, at: number, whole: Span): Span {
  const length = Math.min(Math.max((span.to - span.from) * factor, shortest), whole.to - whole.from)
  const share = (at - span.from) / (span.to - span.from)
  return within({ from: at - length * share, to: at + length * (1 - share) }, whole)
}

/** moved is a span later by a share of its length. It stays within a whole. */
export function moved(span: Span, share: number, whole: Span): Span {
  const by = (span.to - span.from) * share
  return within({ from: span.from + by, to: span.to + by }, whole)
}

function within({ from, to }: Span, whole: Span): Span {
  const by = Math.max(whole.from - from, 0) || Math.min(whole.to - to, 0)
  return { from: Math.max(from + by, whole.from), to: Math.min(to + by, whole.to) }
}

const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000]
const longSteps = [600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000]

/** ticks are the moments that an axis names, at most about `count`: a round time after a start. */
export function ticks(span: Span, start: number, count: number): number[] {
  const length = span.to - span.from
  const all = [...steps, ...longSteps]
  const step = all.find((ms) => length / ms <= count) ?? Math.ceil(length / count / 86_400_000) * 86_400_000
  const list: number[] = []
  for (let i = Math.ceil((span.from - start) / step); start + i * step <= span.to; i++) list.push(start + i * step)
  return list
}
