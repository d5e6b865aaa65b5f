// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { href } from '../router'
import type { Rgb } from './color'
import { keepLogParams } from './filter'
import type { Find } from './find'
import { type Seen, stamp } from './format'
import { Line } from './Line'
import type { Range } from './range'
import type { Row } from './window'

/** Drawing is what rows are drawn with. */
export interface Drawing {
  session: string
  rows: readonly Row[]
  seen: Seen
  background: Rgb
  params: Readonly<Record<string, string>>
  /** The address of a line up to its number. */
  address: string
  range: Range | undefined
  find: Find | undefined
  current: number | undefined
  term: string
  re: boolean
}

/** draw draws a row of a window. */
export function draw(drawing: Drawing, row: Row, index: number, tab: boolean) {
  const { session, seen, range, find } = drawing
  const isLine = row.kind === 'line'
  const toResource = isLine && seen.resource
  return (
    <Line
      key={row.key}
      row={row}
      background={drawing.background}
      time={isLine ? stamp(seen.timestamps, row.line.time, seen.start, previousTime(drawing, index)) : ''}
      resource={toResource ? href({ session, resource: row.line.resource, params: keepLogParams(drawing.params) }) : ''}
      href={`${drawing.address}seq=${row.seq}`}
      selected={!!range && row.seq >= range.from && row.seq <= range.to}
      found={isLine && !!find?.has(row)}
      current={!!find && row.seq === drawing.current}
      term={drawing.term}
      re={drawing.re}
      tab={tab}
    />
  )
}

function previousTime({ rows, seen }: Drawing, index: number): string | undefined {
  if (seen.timestamps !== 'previous') return undefined
  for (let i = index - 1; i >= 0; i--) {
    const row = rows[i]
    if (row?.kind === 'line') return row.line.time
  }
  return undefined
}
