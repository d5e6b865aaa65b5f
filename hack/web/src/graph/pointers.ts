// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Point } from './layout'

/** Moved says by which factor and by how much what is under the pointers has moved, and where their middle is. */
export type Moved = (factor: number, at: Point, by: Point) => void

/** How far a pointer moves before that is a drag, in px. What it has pressed isn't clicked then. */
const threshold = 4

/** Pointers follows the pointers on an element: one that drags moves, two of them zoom. */
export class Pointers {
  private readonly down = new Map<number, Point>()
  private start: Point | undefined
  private dragged = false
  private readonly abort = new AbortController()

  constructor(
    private readonly element: SVGElement | HTMLElement,
    private readonly moved: Moved,
  ) {
    const { signal } = this.abort
    const target = element as HTMLElement
    target.addEventListener('pointerdown', (event) => this.press(event), { signal })
    document.addEventListener('pointermove', (event) => this.move(event), { signal })
    document.addEventListener('pointerup', (event) => this.release(event), { signal })
    document.addEventListener('pointercancel', (event) => this.release(event), { signal })
    target.addEventListener('click', (event) => this.click(event), { signal, capture: true })
    target.addEventListener('dragstart', (event) => event.preventDefault(), { signal })
  }

  /** close stops to follow. */
  close(): void {
    this.abort.abort()
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return
    const at = this.place(event)
    this.down.set(event.pointerId, at)
    if (this.down.size === 1) {
      this.start = at
      this.dragged = false
    }
  }

  private move(event: PointerEvent): void {
    const before = this.down.get(event.pointerId)
    if (!before || !this.start) return
    const at = this.place(event)
    if (!this.dragged && Math.hypot(at.x - this.start.x, at.y - this.start.y) < threshold) return
    this.dragged = true
    const other = [...this.down].find(([id]) => id !== event.pointerId)?.[1]
    this.down.set(event.pointerId, at)
    if (!other) {
      this.moved(1, at, { x: at.x - before.x, y: at.y - before.y })
      return
    }
    const [from, to] = [middle(before, other), middle(at, other)]
    const factor = distance(at, other) / Math.max(distance(before, other), 1)
    this.moved(factor, to, { x: to.x - from.x, y: to.y - from.y })
  }

  private release(event: PointerEvent): void {
    this.down.delete(event.pointerId)
  }

  /** click drops the click that a browser sends after a drag that ends on the element; one of a key has no count. */
  private click(event: MouseEvent): void {
    if (!this.dragged || event.detail === 0) return
    this.dragged = false
    event.preventDefault()
    event.stopPropagation()
  }

  private place(event: PointerEvent): Point {
    const box = this.element.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
}

function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
