// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Prints what an event of a Session with many targets costs before anything is drawn: to parse it and to find what has
// changed, which the worker does, and to send that and to put it together, which the page does.
// node perf.mjs [TARGETS [CHANGED]]

import { createServer } from 'vite'

const [count = 1000, changed = 3] = process.argv.slice(2).map(Number)
const rounds = 200

const server = await createServer({ server: { middlewareMode: true, hmr: false, ws: false }, logLevel: 'error' })
const { Sessions } = await server.ssrLoadModule('/src/api/store.ts')
const { Mirror } = await server.ssrLoadModule('/src/state/mirror.ts')

const time = '2026-01-02T03:04:05.678901Z'
const target = (i) => ({
  name: `service-${i}:update`,
  type: 'job',
  resources: [`service-${i}`],
  state: {
    terminated: { startTime: time, finishTime: time, exitCode: 0, message: 'a message that tells how it went' },
  },
  times: {
    queued: time,
    started: time,
    ready: time,
    reason: 'initial',
    waits: ['one', 'two', 'three'].map((on) => ({ on, time })),
  },
  restartCount: 0,
})
const session = {
  metadata: { name: 's', uid: 'u', resourceVersion: '0' },
  spec: { tiltfilePath: '/Tiltfile', exitCondition: 'ci' },
  status: { pid: 1, startTime: time, done: false, targets: Array.from({ length: count }, (_, i) => target(i)) },
}

const events = Array.from({ length: rounds }, (_, round) => {
  session.metadata.resourceVersion = String(round + 1)
  for (let i = 0; i < changed; i++) session.status.targets[(round * changed + i) % count].restartCount++
  return JSON.stringify({ type: 'MODIFIED', object: session })
})

const sessions = new Sessions()
const mirror = new Mirror()
const costs = { parse: [], compare: [], send: [], apply: [] }

function measure(name, step) {
  const start = performance.now()
  const result = step()
  costs[name].push(performance.now() - start)
  return result
}

let sent = 0
for (const [round, event] of events.entries()) {
  const { object } = measure('parse', () => JSON.parse(event))
  const delta = measure('compare', () => {
    sessions.put(object, round + 1)
    return sessions.since(round)
  })
  const copy = measure('send', () => structuredClone({ type: 'update', sessions: delta }))
  measure('apply', () => mirror.apply(copy))
  sent += JSON.stringify(copy).length
}

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(2)
console.log(`${count} targets, ${changed} of them changed, an event of ${(events[0].length / 1000).toFixed(0)} KB`)
for (const [name, all] of Object.entries(costs)) {
  const sorted = all.slice(1).sort((a, b) => a - b)
  console.log(`${name.padEnd(8)} p50 ${at(sorted, 0.5)} ms  p95 ${at(sorted, 0.95)} ms  first ${all[0].toFixed(2)} ms`)
}
console.log(`sent to a tab: ${(sent / rounds / 1000).toFixed(1)} KB an event on average`)
await server.close()
