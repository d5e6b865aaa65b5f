// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { effect } from '@preact/signals'
import { settings } from '../settings'

/** watchTheme writes the theme to the root element. "auto" follows the system, also when that changes. */
export function watchTheme(root: HTMLElement = document.documentElement): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const write = () => {
    const theme = settings.theme.value
    root.dataset.theme = theme === 'auto' ? (dark.matches ? 'dark' : 'light') : theme
  }
  const stop = effect(write)
  dark.addEventListener('change', write)
  return () => {
    stop()
    dark.removeEventListener('change', write)
  }
}
