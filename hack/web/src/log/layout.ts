// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Row } from './window'

/** Layout is where each row of a list is, in px. */
export interface Layout {
  total: number
  top(index: number): number
  /** at is the row at a height. */
  at(y: number): number
}

/** fixed is the layout of rows of one height. */
export function fixed(count: number, height: number): Layout {
  return {
    total: count * height,
    top: (index) => index * height,
    at: (y) => Math.min(Math.max(0, count - 1), Math.max(0, Math.floor(y / height))),
  }
}

/** wrapped is the layout of rows that take several lines: as many as were measured, else as their length suggests. */
export function wrapped(
  rows: readonly Row[],
  height: number,
  columns: number,
  measured: ReadonlyMap<string, number>,
  maxShown: number,
): Layout {
  const tops = new Float64Array(rows.length + 1)
  for (const [i, row] of rows.entries()) {
    const length = row.kind === 'line' ? Math.min(row.text.length, maxShown) : 1
    const own = measured.get(row.key) ?? height * Math.max(1, Math.ceil(length / columns))
    tops[i + 1] = (tops[i] ?? 0) + own
  }
  return {
    total: tops[rows.length] ?? 0,
    top: (index) => tops[Math.min(index, rows.length)] ?? 0,
    at(y) {
      let low = 0
      let high = Math.max(0, rows.length - 1)
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if ((tops[middle] ?? 0) <= y) low = middle
        else high = middle - 1
      }
      return low
    },
  }
}

/** Anchor is what is being read: the row at the top of the view, and how far it is above its top. */
export interface Anchor {
  seq: number
  key: string
  offset: number
}

/** anchorAt is the anchor of a view that begins at a height. */
export function anchorAt(rows: readonly Row[], layout: Layout, y: number): Anchor | undefined {
  const index = layout.at(y)
  const row = rows[index]
  return row && { seq: row.seq, key: row.key, offset: y - layout.top(index) }
}

/** clamp is a height that a view of `height` can begin at. */
export function clamp(y: number, layout: Layout, height: number): number {
  return Math.max(0, Math.min(y, layout.total - height))
}

/** span is which rows are drawn: those in the view, and some about it. */
export function span(layout: Layout, count: number, y: number, height: number, about: number): [number, number] {
  if (count === 0) return [0, 0]
  const first = Math.max(0, layout.at(y) - about)
  return [first, Math.min(count, layout.at(y + height) + 1 + about)]
}
