// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef, useState } from 'preact/hooks'
import { settings } from '../settings'
import { type Change, changesOf, Pace, phrase, type Seen } from './changes'

/** Announcer tells readers of the screen, and those who look elsewhere, of verdicts and failures. It shows nothing. */
export function Announcer({ seen }: { seen: Seen }) {
  const before = useRef<Seen | undefined>(undefined)
  const broken = useRef(new Set<string>())
  const pace = useRef(new Pace())
  const timer = useRef(0)
  const [text, setText] = useState('')
  useEffect(() => {
    const changes = changesOf(before.current, seen, broken.current)
    before.current = seen
    if (changes.length === 0) return
    notify(changes, seen.summary.name)
    pace.current.add(...changes.filter(({ kind }) => kind !== 'recovered').map((change) => change.text))
    const say = () => {
      const { text, next } = pace.current.take(performance.now())
      if (text) setText(text)
      clearTimeout(timer.current)
      if (next >= 0) timer.current = window.setTimeout(say, next)
    }
    say()
  }, [seen])
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <div class="hidden-text" role="status" aria-live="polite">
      {text}
    </div>
  )
}

/** notify shows a notification if the user has asked for them and doesn't see the page. */
function notify(changes: readonly Change[], session: string): void {
  if (!settings.notify.value || document.visibilityState === 'visible') return
  if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return
  const body = phrase(changes.map(({ text }) => text))
  const notification = new Notification(session, { body, tag: `tilt-session.${session}` })
  notification.onclick = () => {
    window.focus()
    notification.close()
  }
}
