// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Fails if the built page is larger than it may be: what is loaded first, which is what index.html names, what that
// imports, and the worker that all tabs share; and everything. Prints the sizes with gzip in KB of 1000 bytes.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const limits = { first: 80_000, all: 150_000 }
const dist = process.argv[2] ?? new URL('../../pkg/web/dist', import.meta.url).pathname
const files = readdirSync(dist, { recursive: true }).filter((file) => /\.(js|css|html|svg)$/.test(file))
const text = new Map(files.map((file) => [file, readFileSync(join(dist, file), 'utf8')]))
const size = (file) => gzipSync(text.get(file), { level: 9 }).length
const sum = (names) => [...names].reduce((total, file) => total + size(file), 0)

const first = new Set()
function load(file) {
  if (first.has(file) || !text.has(file)) return
  first.add(file)
  const imported = /(?:\bfrom|\bimport)\s*["'`]\.\/([^"'`]+)["'`]/g
  const named = /(?:src|href)="\.\/([^"]+)"/g
  for (const [, name] of text.get(file).matchAll(file.endsWith('.html') ? named : imported)) {
    load(file.includes('/') ? `assets/${name}` : name)
  }
}
load('index.html')
for (const file of files) if (/^assets\/worker-/.test(file) && sharedByFirst(file)) load(file)

/** The worker of the data is named by what is loaded first; others by what is loaded when it is looked at. */
function sharedByFirst(worker) {
  return [...first].some((file) => text.get(file).includes(worker.replace('assets/', '')))
}

for (const file of files)
  console.log(`${String(size(file)).padStart(7)} ${first.has(file) ? 'first' : '     '} ${file}`)
const sizes = { first: sum(first), all: sum(files) }
let status = 0
for (const [name, limit] of Object.entries(limits)) {
  console.log(`${name}: ${(sizes[name] / 1000).toFixed(1)} KB of ${limit / 1000} KB`)
  if (sizes[name] > limit) status = 1
}
process.exit(status)
