// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { Hub } from './hub'
import { alive } from './slots'

const hub = alive().then((lock) => new Hub({ locks: navigator.locks, lock }))

addEventListener('connect', (event) => {
  for (const port of (event as MessageEvent).ports) void hub.then((hub) => hub.connect(port))
})
