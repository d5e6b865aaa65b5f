// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Session } from '../api/types'
import type { Link } from '../state/state'
import { keptText } from './builds'
import type { Feed } from './feed'

interface Props {
  feed: Feed
  session: Session | undefined
  link: Link
  /** Whether the browser's search was offered ours instead. */
  offered: boolean
  /** Whether the filter leaves lines out. */
  filtered: boolean
  onFind(): void
  onAgain(): void
}

/** Notices say what the reader of the log has to know about it. */
export function Notices(props: Props) {
  const { feed, link } = props
  return (
    <div class="log-notices">
      {feed.restarted && (
        <p class="log-notice">The log has begun anew: the line that was asked for is of an earlier run.</p>
      )}
      {link.state === 'stale' && (
        <p class="log-notice log-bad" role="status">
          Not connected: {link.reason}. Lines that were written since are missing here until it is.
        </p>
      )}
      {feed.phase.name === 'retrying' && link.state !== 'stale' && (
        <p class="log-notice log-bad" role="status">
          The log couldn't be read: {feed.phase.error.message}. Trying again…
        </p>
      )}
      {props.offered && (
        <p class="log-notice">
          The browser's search sees only the lines on the screen.{' '}
          <button type="button" class="log-button" onClick={props.onFind}>
            Find in the whole log
          </button>
        </p>
      )}
      <Refused {...props} />
    </div>
  )
}

function Refused({ feed, onAgain }: Props) {
  if (feed.phase.name !== 'refused') return null
  const { code, message } = feed.phase.error
  return (
    <p class="log-notice log-bad" role="status">
      {refusal(code)}
      {message && <span class="log-why"> {reason(message)}</span>}{' '}
      <button type="button" class="log-button" onClick={onAgain}>
        Try again
      </button>
    </p>
  )
}

/** reason is what is wrong with an expression, without the names of what it was given to. */
export function reason(message: string): string {
  return /\bgrep: (?:Invalid value: )?(.*)/s.exec(message)?.[1] ?? message
}

function refusal(code: number): string {
  switch (code) {
    case 401:
      return 'You have to log in again to read the log.'
    case 403:
      return 'You may not read the log.'
    case 404:
      return 'There is no such log.'
    case 409:
      return 'This server doesn’t run the Session, so it has no log of it.'
    case 400:
    case 422:
      return 'The server refuses the filter.'
  }
  return 'The server refuses the log.'
}

/** Blank is what is shown instead of rows. */
export function Blank({ feed, filtered }: Props) {
  if (feed.window.rows.length > 0 || feed.phase.name === 'refused' || feed.phase.name === 'retrying') return null
  if (feed.phase.name === 'loading') return <p class="log-blank">Loading…</p>
  const searching = feed.busy === 'older' || !feed.window.atStart
  if (filtered && searching) return <p class="log-blank">Searching earlier lines, down to {feed.window.from}…</p>
  if (filtered) return <p class="log-blank">No lines match the filter.</p>
  return <p class="log-blank">{feed.ended ? 'The run has written no lines.' : 'No lines yet.'}</p>
}

/** Foot says where the window is in the log, and whether there is more to come. */
export function Foot({ feed, session, filtered }: Props) {
  const { window } = feed
  if (feed.phase.name === 'loading') return null
  const parts: string[] = []
  if (window.rows.length > 0) {
    const count = window.rows.reduce((n, row) => (row.kind === 'line' ? n + 1 : n), 0)
    const lines = `${count.toLocaleString('en')} ${filtered ? 'matching lines' : 'lines'}`
    const scope = window.atStart && window.atEnd ? 'the whole log' : `of lines ${window.from}–${window.to}`
    parts.push(`${lines}, ${scope}`)
  }
  if (feed.busy === 'older') parts.push('loading earlier lines…')
  if (feed.busy === 'newer' || feed.busy === 'jump') parts.push('loading…')
  if (feed.bounded) parts.push('the update has ended')
  else if (feed.ended && session?.status?.done) parts.push(`the run has ended; ${keptText(session)}`)
  else if (feed.ended) parts.push('the log has ended')
  else if (!feed.following) parts.push('not following')
  return <p class="log-foot">{parts.join(' · ')}</p>
}
