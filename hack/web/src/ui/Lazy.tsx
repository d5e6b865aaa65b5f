// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Session } from '../api/types'

interface Props {
  load(): Promise<{ default: ComponentType<{ session: Session }> }>
  session: Session
}

/** Lazy shows a part of the page that is loaded only when it is wanted. */
export function Lazy({ load, session }: Props) {
  const [part, setPart] = useState<{ show: ComponentType<{ session: Session }> }>()
  const [error, setError] = useState('')
  useEffect(() => {
    load().then(
      (module) => setPart({ show: module.default }),
      (error) => setError(error instanceof Error ? error.message : String(error)),
    )
  }, [load])
  if (part) {
    const Part = part.show
    return (
      <div class="fill lazy">
        <Part session={session} />
      </div>
    )
  }
  return (
    <div class="empty">
      {error ? (
        <>
          <h2>This part of the page couldn't be loaded</h2>
          <p class="wraps">{error}</p>
          <div class="row">
            <button type="button" onClick={() => location.reload()}>
              Load the page again
            </button>
          </div>
        </>
      ) : (
        <p class="muted">Loading…</p>
      )}
    </div>
  )
}
