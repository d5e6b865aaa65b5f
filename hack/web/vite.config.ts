// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { defineConfig } from 'vite'

// The page is served below a path that isn't known when it is built, and under a policy that allows no inline script.
export default defineConfig({
  base: './',
  build: {
    outDir: '../../pkg/web/dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
})
