// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { type LayoutInput, layOut } from './layout'

// A worker that answers each layout's input, under its number, with the layout.
addEventListener('message', ({ data }: MessageEvent<{ id: number; input: LayoutInput }>) => {
  postMessage({ id: data.id, layout: layOut(data.input) })
})
