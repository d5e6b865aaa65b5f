// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { createContext } from 'preact'
import { useContext, useMemo, useRef } from 'preact/hooks'
import type { Session, UIButton, UIResource } from '../api/types'
import { useApp } from '../app'
import { type Row, type Rows, rowsOf } from '../model/rows'
import { tiltfileResource } from '../model/sources'

/** Shown is the Session that the page shows. */
export interface Shown {
  name: string
  session: Session
  rows: Rows
  resources: ReadonlyMap<string, UIResource>
  buttons: ReadonlyMap<string, UIButton>
}

export const ShownContext = createContext<Shown | undefined>(undefined)

/** useShown returns what ShownContext provides. */
export function useShown(): Shown {
  const shown = useContext(ShownContext)
  if (!shown) throw new Error('no ShownContext')
  return shown
}

/** useSession is a Session with its rows. A row that says the same as before keeps its identity. */
export function useSession(session: Session): Shown {
  const { state } = useApp()
  const name = session.metadata.name ?? ''
  const resources = state.resources(name).value
  const buttons = state.buttons(name).value
  const previous = useRef<Rows | undefined>(undefined)
  const uid = useRef<string | undefined>(undefined)
  const rows = useMemo(() => {
    const before = uid.current === session.metadata.uid ? previous.current : undefined
    return rowsOf(session, resources, before)
  }, [session, resources])
  previous.current = rows
  uid.current = session.metadata.uid
  return useMemo(() => ({ name, session, rows, resources, buttons }), [name, session, rows, resources, buttons])
}

/** actsOn are the names of the resources among rows that can be triggered, enabled and disabled. */
export function actsOn(rows: readonly Row[]): string[] {
  return rows.filter((row) => row.type !== 'image').map((row) => row.name)
}

/** switchable are those that can be enabled and disabled: all but the Tiltfile and images. */
export function switchable(rows: readonly Row[]): string[] {
  return actsOn(rows).filter((name) => name !== tiltfileResource)
}
