// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { effect, type Signal, signal } from '@preact/signals'

function stored<T>(name: string, initial: T): Signal<T> {
  const key = `tilt-session.${name}`
  let value = initial
  try {
    const text = localStorage.getItem(key)
    if (text !== null) value = JSON.parse(text) as T
  } catch {
    // Storage may be off, or hold what another version has written.
  }
  const setting = signal(value)
  effect(() => {
    const text = JSON.stringify(setting.value)
    try {
      localStorage.setItem(key, text)
    } catch {
      // The setting holds for this tab.
    }
  })
  return setting
}

/** settings are the user's choices in this browser. */
export const settings = {
  theme: stored<'auto' | 'light' | 'dark'>('theme', 'auto'),
  /** Whether keys without a modifier do something (WCAG 2.1.4). */
  keys: stored('keys', true),
  timestamps: stored<'off' | 'clock' | 'start' | 'previous'>('timestamps', 'off'),
  wrap: stored('wrap', true),
  notify: stored('notify', false),
}
