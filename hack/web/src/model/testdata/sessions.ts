// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { signal } from '@preact/signals'
import type { Session, Target, UIResource } from '../../api/types'
import type { App } from '../../app'
import type { Availability } from '../../state/state'

/** When the runs of these tests begin. */
export const start = Date.parse('2026-03-04T05:06:07.000Z')

/** time is a moment so many seconds after the start. */
export function time(seconds: number): string {
  return new Date(start + seconds * 1000).toISOString()
}

/** random returns the same numbers from 0 to 1 each time, for a seed. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export function sessionOf(targets: Target[], more: Partial<Session['status']> = {}): Session {
  return {
    metadata: { name: 'demo', uid: 'u1' },
    spec: { tiltfilePath: '/src/demo/Tiltfile', exitCondition: 'manual' },
    status: { pid: 1, startTime: time(0), done: false, conditions: [], targets, ...more },
  } as Session
}

export function resourceOf(name: string, dependencies: string[], labels: string[], order: number): UIResource {
  const all = Object.fromEntries(labels.map((label) => [label, label]))
  return {
    metadata: { name, labels: { 'session.tilt.dev/session': 'demo', ...all } },
    spec: {},
    status: { dependencies, order, disableStatus: {}, localResourceInfo: {} },
  } as unknown as UIResource
}

/** Run is a Session with its resources. */
export interface Run {
  session: Session
  resources: Map<string, UIResource>
}

const names = ['catalog', 'orders', 'web', 'migrate', 'smoke', 'auth', 'billing', 'search', 'mail', 'docs']

/** newRun makes a run of so many resources with about so many dependencies, in all kinds of states, at 60 seconds. */
export function newRun(count: number, edges: number, seed = 1, labels = ['shop', 'data', 'tools', 'edge']): Run {
  const next = random(seed)
  const resources = new Map<string, UIResource>()
  const list: string[] = []
  for (let i = 0; i < count; i++) {
    list.push(`${names[i % names.length]}${i < names.length ? '' : `-${Math.floor(i / names.length)}`}`)
  }
  const needs = list.map((): Set<string> => new Set())
  for (let n = 0; n < edges; n++) {
    const to = 1 + Math.floor(next() * (count - 1))
    const near = Math.max(0, to - 12)
    needs[to]?.add(list[near + Math.floor(next() * (to - near))] ?? '')
  }
  const targets: Target[] = [jobOf('tiltfile:update', '(Tiltfile)', 0, 0, 0, 0.8, '')]
  const ready = new Map<string, number>()
  list.forEach((name, i) => {
    const deps = [...(needs[i] ?? [])]
    resources.set(name, resourceOf(name, deps, labels.slice(i % (labels.length + 1)).slice(0, 1), i + 1))
    addResource(targets, ready, name, deps, next)
  })
  targets.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { session: sessionOf(targets), resources }
}

function addResource(targets: Target[], ready: Map<string, number>, name: string, deps: string[], next: () => number) {
  const missing = deps.filter((dep) => !ready.has(dep))
  if (missing.length > 0) {
    const on = missing.map((dep) => (targets.some((t) => t.name === `${dep}:serve`) ? `${dep}:serve` : `${dep}:update`))
    const waiting = { waitReason: 'waiting-for-dep', since: time(0.8), on: on.sort() }
    const times = { queuedTime: time(0.8) }
    targets.push({ name: `${name}:update`, type: 'job', resources: [name], state: { waiting }, times })
    return
  }
  const allowed = Math.max(0.8, ...deps.map((dep) => ready.get(dep) ?? 0))
  const begin = allowed + (next() < 0.1 ? 1.5 : 0.01)
  const end = begin + 0.3 + next() * 8
  const fate = next()
  if (fate < 0.04) {
    targets.push({ ...jobOf(`${name}:update`, name, 0.8, allowed, begin, end, `Process 7 exited with code 1`) })
    return
  }
  if (fate < 0.08) {
    const times = { queuedTime: time(0.8), allowedTime: time(allowed), startTime: time(begin) }
    const state = { active: { startTime: time(begin), ready: false } }
    targets.push({ name: `${name}:update`, type: 'job', resources: [name], state, times })
    return
  }
  targets.push(jobOf(`${name}:update`, name, 0.8, allowed, begin, end, ''))
  ready.set(name, end)
  if (fate > 0.45) {
    const at = end + 0.2 + next() * 4
    const active = { startTime: time(end), ready: true, lastReadyTime: time(at) }
    const times = { queuedTime: time(0.8), allowedTime: time(end), startTime: time(end), readyTime: time(at) }
    const restartCount = fate > 0.95 ? 2 : 0
    targets.push({ name: `${name}:serve`, type: 'server', resources: [name], state: { active }, times, restartCount })
    ready.set(name, at)
  }
}

function jobOf(
  name: string,
  resource: string,
  queued: number,
  allowed: number,
  begin: number,
  end: number,
  error: string,
): Target {
  const terminated = { startTime: time(begin), finishTime: time(end), ...(error ? { error, exitCode: 1 } : {}) }
  const times = {
    queuedTime: time(queued),
    allowedTime: time(allowed),
    startTime: time(begin),
    finishTime: time(end),
    ...(error ? {} : { readyTime: time(end) }),
  }
  return { name, type: 'job', resources: [resource], state: { terminated }, times }
}

/** appOf is what a part of the page may use, for a run at so many seconds after its start. */
export function appOf(run: { value: Run }, seconds = 60, ui: Availability = 'served'): App {
  const unused = () => Promise.reject(new Error('not part of this test'))
  const now = signal(start + seconds * 1000)
  return {
    now: () => now.value,
    state: {
      link: signal({ state: 'live' } as const),
      sessions: signal(new Map()),
      resources: () => signal(ui === 'served' ? run.value.resources : new Map()),
      buttons: () => signal(new Map()),
      ui: signal(ui),
      user: signal(undefined),
    },
    actions: {
      trigger: unused,
      enable: unused,
      disable: unused,
      args: unused,
      press: unused,
      create: unused,
      remove: unused,
      logout: unused,
    },
    logs: { read: unused, follow: () => undefined },
    retry: () => undefined,
  }
}
