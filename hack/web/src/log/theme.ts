// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import { parseHex, type Rgb, white } from './color'

const dark: Rgb = [16, 20, 26]

/** useBackground is the background of the theme, which colours that programs mix are compared with. */
export function useBackground(): Rgb {
  const [background, set] = useState(read)
  useEffect(() => {
    const update = () => set((before) => same(before, read()))
    update()
    const observer = new MutationObserver(update)
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    return () => observer.disconnect()
  }, [])
  return background
}

function read(): Rgb {
  const set = getComputedStyle(document.documentElement).getPropertyValue('--bg')
  return parseHex(set) ?? (document.documentElement.dataset.theme === 'dark' ? dark : white)
}

function same(before: Rgb, now: Rgb): Rgb {
  return before.every((part, i) => part === now[i]) ? before : now
}
