// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Point } from './layout'

/** Transform is what part of a drawing is seen: a point p of it is at p·k + (x, y). */
export interface Transform {
  x: number
  y: number
  k: number
}

export interface Size {
  width: number
  height: number
}

const minimum = 0.1
const maximum = 2.5

/** wholeOf shows the whole of a drawing in a view, but not larger than it is. */
export function wholeOf(drawing: Size, view: Size): Transform {
  const k = limit(Math.min(1, view.width / drawing.width, view.height / drawing.height))
  return clamp({ x: 0, y: 0, k }, drawing, view)
}

/** zoom changes the size by a factor and keeps the point of the view where it is. */
export function zoom(t: Transform, factor: number, at: Point): Transform {
  const k = limit(t.k * factor)
  const real = k / t.k
  return { x: at.x - (at.x - t.x) * real, y: at.y - (at.y - t.y) * real, k }
}

/** clamp keeps a drawing in its view: what is smaller in the middle, what is larger without space beside it. */
export function clamp({ x, y, k }: Transform, drawing: Size, view: Size): Transform {
  return { x: within(x, drawing.width * k, view.width), y: within(y, drawing.height * k, view.height), k }
}

function within(at: number, size: number, view: number): number {
  return size <= view ? (view - size) / 2 : Math.min(Math.max(at, view - size), 0)
}

/** reveal moves a drawing as little as is needed to show a part of it. */
export function reveal(t: Transform, part: Point & Size, view: Size): Transform {
  return {
    x: shift(t.x, part.x, part.width, t.k, view.width),
    y: shift(t.y, part.y, part.height, t.k, view.height),
    k: t.k,
  }
}

function shift(at: number, middle: number, size: number, k: number, view: number): number {
  const edge = Math.min(24, view / 10)
  const from = (middle - size / 2) * k + at - edge
  const to = (middle + size / 2) * k + at + edge - view
  if (from < 0) return at - from
  return to > 0 ? at - Math.min(to, from) : at
}

function limit(k: number): number {
  return Math.min(Math.max(k, minimum), maximum)
}
