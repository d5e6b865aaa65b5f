// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { Hub } from './hub'

const hub = new Hub({ locks: navigator.locks })

addEventListener('connect', (event) => {
  for (const port of (event as MessageEvent).ports) hub.connect(port)
})
