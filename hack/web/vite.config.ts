// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

/** A package that becomes a part of the page. */
interface Package {
  name: string
  version: string
  license?: string
  dependencies?: Record<string, string>
}

const modules = new URL('node_modules/', import.meta.url)

function manifest(name: string): Package {
  return JSON.parse(readFileSync(new URL(`${name}/package.json`, modules), 'utf8')) as Package
}

/** licenseOf is the text of the licence in the directory of a package, which must have one. */
function licenseOf(name: string): string {
  const directory = new URL(`${name}/`, modules)
  const file = readdirSync(directory).find((file) => /^licen[cs]e/i.test(file))
  if (!file) throw new Error(`the package ${name} has no licence`)
  return readFileSync(new URL(file, directory), 'utf8').trim()
}

/** licenses writes licenses.txt: the licences of the packages that the page is built of. */
function licenses(): Plugin {
  return {
    name: 'licenses',
    apply: 'build',
    generateBundle() {
      const own = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as Package
      const packages = new Map<string, Package>()
      const add = (of: Package) => {
        for (const name of Object.keys(of.dependencies ?? {})) {
          if (packages.has(name)) continue
          packages.set(name, manifest(name))
          add(manifest(name))
        }
      }
      add(own)
      const texts = [...packages.values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, version, license }) => `${name} ${version} (${license ?? 'unknown'})\n\n${licenseOf(name)}\n`)
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) })
    },
  }
}

// TILT_SESSION_API is a server of the API that needs no login, such as that of "kubectl proxy", for "npm run dev".
const api = process.env.TILT_SESSION_API

// The page is served below a path that isn't known when it is built, and under a policy that allows no inline script.
export default defineConfig({
  base: './',
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [licenses()],
  build: {
    outDir: '../../pkg/web/dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  // A test that waits for something fails when it doesn't come, not when the machine is slow.
  test: { testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 },
  ...(api && { server: { proxy: { '/apis': { target: api } } } }),
})
