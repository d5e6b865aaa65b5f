// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { RefObject } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Viewport } from './Viewport'

/**
 * useDrag reports the lines that the mouse has selected if there were more of them than are drawn: the selection of the
 * browser has lost the first ones then.
 */
export function useDrag(view: RefObject<Viewport | null>, dragged: (from: number, to: number) => void): void {
  const report = useRef(dragged)
  report.current = dragged
  useEffect(() => {
    let from: number | undefined
    const down = (event: MouseEvent) => {
      from = event.button === 0 && !event.shiftKey ? view.current?.lineOf(event.target) : undefined
    }
    const up = (event: MouseEvent) => {
      const { current } = view
      const scroller = current?.element
      if (from === undefined || !scroller || scroller.querySelector(`[data-seq="${from}"]`)) return
      const above = event.clientY < scroller.getBoundingClientRect().top
      const to = current.lineOf(event.target) ?? (above ? current.first : current.last)
      if (to !== undefined) report.current(from, to)
    }
    document.addEventListener('mousedown', down)
    document.addEventListener('mouseup', up)
    return () => {
      document.removeEventListener('mousedown', down)
      document.removeEventListener('mouseup', up)
    }
  }, [view])
}
