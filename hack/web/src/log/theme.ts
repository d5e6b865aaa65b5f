// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { parseRgb, type Rgb, white } from './color'

/** useBackground is the background of an element, which the colours that programs mix are compared with. */
export function useBackground(of: RefObject<HTMLElement | null>): Rgb {
  const [background, set] = useState(white)
  useEffect(() => {
    const update = () => set((before) => same(before, read(of.current)))
    update()
    const observer = new MutationObserver(update)
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    return () => observer.disconnect()
  }, [of])
  return background
}

function read(element: HTMLElement | null): Rgb {
  return (element && parseRgb(getComputedStyle(element).backgroundColor)) || white
}

function same(before: Rgb, now: Rgb): Rgb {
  return before.every((part, i) => part === now[i]) ? before : now
}
