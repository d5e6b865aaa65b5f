// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Actions, Logs, State } from './state/state'

/** App is what every part of the page may use. Tests provide their own. */
export interface App {
  state: State
  actions: Actions
  logs: Logs
  /**
   * The time of the server in ms of the epoch, in whole seconds or minutes. It goes on while something on the page
   * counts time.
   */
  now(step?: 'second' | 'minute'): number
  /** retry asks a server that hasn't answered, or has refused, at once instead of at the time of the next attempt. */
  retry(): void
}

export const AppContext = createContext<App | undefined>(undefined)

/** useApp returns what AppContext provides. */
export function useApp(): App {
  const app = useContext(AppContext)
  if (!app) throw new Error('no AppContext')
  return app
}
