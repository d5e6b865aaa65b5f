// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useApp } from '../app'
import type { Link } from '../state/state'
import { Age } from './Time'

/** Banner says what is wrong with the connection while the content below is that of the last answer. */
export function Banner({ link, retry }: { link: Link; retry(): void }) {
  if (link.state === 'connecting') {
    return (
      <aside class="notice wait" aria-label="Connection">
        Connecting…
      </aside>
    )
  }
  if (link.state !== 'stale') return null
  return (
    <aside class="notice warn" aria-label="Connection">
      <strong>
        Stale since <Age from={link.since} />
      </strong>
      <span class="wraps">The server doesn't answer{link.reason ? `: ${link.reason}` : ''}.</span>
      <span class="muted">
        <Retry at={link.retry} />
      </span>
      <button type="button" onClick={retry}>
        Retry now
      </button>
    </aside>
  )
}

function Retry({ at }: { at: number }) {
  const seconds = Math.floor((at - useApp().now()) / 1000)
  return <>{seconds > 0 ? `Next attempt in ${seconds} s.` : 'Connecting…'}</>
}

/** Login is what there is without a login. */
export function Login({ reason }: { reason: string }) {
  return (
    <div class="empty">
      <h1>Log in</h1>
      {reason && <p class="wraps">{reason}</p>}
      <p>Run this where the server runs, and open the address that it prints:</p>
      <pre class="command">{command(location)}</pre>
      <p class="muted">
        If this page is that of <code>tilt-session ui --context NAME</code>, run that instead. An address is valid once,
        and for five minutes.
      </p>
    </div>
  )
}

/** The port at which a server listens if it isn't told another one. */
const usualPort = '10350'

/** command prints an address of the server whose page is at a place. */
export function command({ port }: { port: string }): string {
  return port && port !== usualPort ? `tilt-session ui --port ${port}` : 'tilt-session ui'
}

/** Forbidden is what there is for those who may not read Sessions. */
export function Forbidden({ reason, retry }: { reason: string; retry(): void }) {
  return (
    <div class="empty">
      <h1>You may not read Sessions here</h1>
      <p class="wraps">{reason}</p>
      <p class="muted">
        Ask those who run the server for the rights of the group <code>tilt:viewers</code>, or more.
      </p>
      <div class="row">
        <button type="button" onClick={retry}>
          Try again
        </button>
      </div>
    </div>
  )
}
