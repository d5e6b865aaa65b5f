// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { settings } from '../settings'

/** Keyed is a log that keys act on. Each function reports whether it did something. */
export interface Keyed {
  element(): HTMLElement | null
  find(): boolean
  next(direction: 1 | -1): boolean
  home(): boolean
  end(): boolean
  wrap(): boolean
  timestamps(): boolean
  copy(): boolean
  /** offer says that the browser's own search sees only what is on the screen. */
  offer(): void
  escape(): boolean
}

const shown: { current: Keyed }[] = []

/** register has logKeys act on a log until the returned function is called. */
export function register(log: { current: Keyed }): () => void {
  const searched = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'f' && target(event) === log.current) log.current.offer()
  }
  shown.push(log)
  document.addEventListener('keydown', searched)
  return () => {
    shown.splice(shown.indexOf(log), 1)
    document.removeEventListener('keydown', searched)
  }
}

/** logKeys handles a key if it is one of the log that is shown, and reports whether it did. */
export function logKeys(event: KeyboardEvent): boolean {
  const log = target(event)
  if (!log || event.defaultPrevented) return false
  if (event.ctrlKey || event.metaKey || event.altKey || !settings.keys.value) return false
  const done = act(log, event.key)
  if (done) event.preventDefault()
  return done
}

function act(log: Keyed, key: string): boolean {
  switch (key) {
    case 'f':
      return log.find()
    case 'n':
      return log.next(1)
    case 'N':
      return log.next(-1)
    case 'Home':
      return log.home()
    case 'End':
      return log.end()
    case 'w':
      return log.wrap()
    case 'z':
      return log.timestamps()
    case 'c':
      return log.copy()
    case 'Escape':
      return log.escape()
  }
  return false
}

/** target is the log that has the focus, else the one that was shown last, unless the focus is in a field or a dialog. */
function target(event: KeyboardEvent): Keyed | undefined {
  const at = event.target instanceof Element ? event.target : document.body
  if (at.closest('input, textarea, select, dialog, [role=dialog], [contenteditable]')) return undefined
  return (shown.findLast((log) => log.current.element()?.contains(at)) ?? shown.at(-1))?.current
}
