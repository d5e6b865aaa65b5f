// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { render } from 'preact'
import { AppContext, useApp } from './app'
import { createApp } from './state/live'

function List() {
  const { state } = useApp()
  return (
    <main>
      <h1>Sessions</h1>
      <p>{state.link.value.state}</p>
      <ul>
        {[...state.sessions.value.values()].map((session) => (
          <li key={session.metadata?.name}>
            {session.metadata?.name}: {session.status?.targets.length} targets
          </li>
        ))}
      </ul>
    </main>
  )
}

const root = document.getElementById('app')
if (root) {
  render(
    <AppContext.Provider value={createApp()}>
      <List />
    </AppContext.Provider>,
    root,
  )
}
