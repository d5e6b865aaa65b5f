// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Pointers } from './pointers'
import { clamp, reveal, type Size, type Transform, wholeOf, zoom } from './transform'

/** Camera moves what a viewport shows. */
export interface Camera {
  fit(): void
  zoom(factor: number): void
  pan(x: number, y: number): void
  reveal(part: { x: number; y: number; width: number; height: number }): void
}

interface Props {
  drawing: Size
  camera: { current: Camera | undefined }
  label: string
  description: string
  children: ComponentChildren
}

/** At first a large drawing is shown in a size at which it can be read, from its start. */
const readable = 0.85

/** It is shown as a whole if its size is at least this. */
const legible = 0.6

/** Viewport shows a part of a drawing, which is moved by mouse, touch and wheel, and through its camera. */
export function Viewport({ drawing, camera, label, description, children }: Props) {
  const svg = useRef<SVGSVGElement>(null)
  const view = useSize(svg)
  // Until it is moved, another drawing or size of the view begins anew.
  const [transform, setTransform] = useState<Transform>()
  const shown = transform ? clamp(transform, drawing, view) : first(drawing, view)
  const known = useRef({ drawing, view, shown })
  known.current = { drawing, view, shown }

  const move: Move = (change) => {
    const { drawing, view, shown: t } = known.current
    const to = clamp(change(t, drawing, view), drawing, view)
    if (to.x === t.x && to.y === t.y && to.k === t.k) return false
    known.current.shown = to
    setTransform(to)
    return true
  }

  camera.current = {
    fit: () => move((_, drawing, view) => wholeOf(drawing, view)),
    zoom: (factor) => move((t, _, view) => zoom(t, factor, { x: view.width / 2, y: view.height / 2 })),
    pan: (x, y) => move((t) => ({ ...t, x: t.x + x, y: t.y + y })),
    reveal: (part) => move((t, _, view) => reveal(t, part, view)),
  }

  useEffect(() => {
    const element = svg.current
    if (!element) return
    const pointers = new Pointers(element, (factor, at, by) =>
      move((t) => {
        const moved = { ...t, x: t.x + by.x, y: t.y + by.y }
        return factor === 1 ? moved : zoom(moved, factor, at)
      }),
    )
    const wheel = (event: WheelEvent) => onWheel(event, element, move)
    element.addEventListener('wheel', wheel, { passive: false })
    return () => {
      element.removeEventListener('wheel', wheel)
      pointers.close()
    }
  }, [])

  const { x, y, k } = shown
  return (
    // biome-ignore lint/a11y/useSemanticElements: it groups what a drawing shows, and no part of a form.
    <svg ref={svg} class="graph-view" role="group" aria-label={label} aria-describedby={description}>
      <g transform={`translate(${x} ${y}) scale(${k})`}>{children}</g>
    </svg>
  )
}

/** Move reports whether it has changed what is shown. */
type Move = (change: (t: Transform, drawing: Size, view: Size) => Transform) => boolean

/** onWheel zooms with ctrl, which is also what a pinch on a pad sends, and moves otherwise. The page scrolls at the end. */
function onWheel(event: WheelEvent, element: Element, move: Move): void {
  const box = element.getBoundingClientRect()
  const at = { x: event.clientX - box.left, y: event.clientY - box.top }
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault()
    move((t) => zoom(t, Math.exp((-event.deltaY * unit) / 300), at))
    return
  }
  const [x, y] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY]
  if (move((t) => ({ ...t, x: t.x - x * unit, y: t.y - y * unit }))) event.preventDefault()
}

function first(drawing: Size, view: Size): Transform {
  const whole = wholeOf(drawing, view)
  return whole.k >= legible ? whole : clamp({ x: 0, y: 0, k: readable }, drawing, view)
}

function useSize(element: RefObject<Element | null>): Size {
  const [size, setSize] = useState<Size>({ width: 800, height: 500 })
  useLayoutEffect(() => {
    const measured = element.current
    if (!measured || typeof ResizeObserver === 'undefined') return
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = measured
      if (width > 0 && height > 0) {
        setSize((s) => (s.width === width && s.height === height ? s : { width, height }))
      }
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(measured)
    return () => observer.disconnect()
  }, [element])
  return size
}
