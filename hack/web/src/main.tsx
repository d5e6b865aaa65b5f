// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { render } from 'preact'
import { AppContext } from './app'
import { createApp } from './state/live'
import { Shell } from './ui/Shell'

const root = document.getElementById('app')
if (root) {
  render(
    <AppContext.Provider value={createApp()}>
      <Shell />
    </AppContext.Provider>,
    root,
  )
}
