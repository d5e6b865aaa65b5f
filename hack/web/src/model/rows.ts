// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Session, SessionStatus, Target, UIResource } from '../api/types'
import { chain } from './chain'
import { between, moment } from './format'
import { imageTarget } from './path'
import { type Phase, phaseOf, ranked, stateWord } from './phase'
import { imagePrefix, sources, tiltfileResource } from './sources'
import { ended } from './summary'
import { compareNames } from './text'
import { failureWords, restartWords, waitWords } from './words'

/** Awaited is a row that another one waits for. */
export interface Awaited {
  name: string
  phase: Phase
  state: string
}

/** Row is what a table says of one resource or image of a Session. It doesn't change. */
export interface Row {
  /** That of the resource, "(Tiltfile)" for the Tiltfile, "image:NAME" for an image. Logs are selected by it. */
  readonly name: string
  /** The one that decides the state of the row comes first. */
  readonly targets: readonly Target[]
  /** That of the first target. */
  readonly phase: Phase
  /** The state in words. */
  readonly state: string
  /** Since when it waits or runs, or what its last execution took, in ms of the epoch; to is 0 while it goes on. */
  readonly span: { readonly from: number; readonly to: number } | undefined
  /** Why it failed or what it waits for, and how often it was started again. Empty for a row that does well. */
  readonly why: string
  /** What it waits for, the most urgent first. `why` names the first three. */
  readonly waitsOn: readonly Awaited[]
  readonly restarts: number
  readonly labels: readonly string[]
  readonly links: readonly { readonly url: string; readonly name: string }[]
  /** "Tiltfile", "image", "Kubernetes", "Docker Compose", "local", or "job" and "server" if more isn't known. */
  readonly type: string
  /** The position in the Tiltfile, from 1; the Tiltfile has 0, what has no position comes last. */
  readonly order: number
  /** How long the last execution that ended took in ms, for a server until it was ready; -1 if that isn't known. */
  readonly took: number
  /** Undefined where UIResources aren't served, and for images. */
  readonly resource: UIResource | undefined
}

/** Rows are the rows of a Session by name: the Tiltfile first, the others sorted. */
export interface Rows {
  readonly status: SessionStatus
  readonly list: readonly Row[]
  readonly byName: ReadonlyMap<string, Row>
}

const noResources: ReadonlyMap<string, UIResource> = new Map()

/**
 * rowsOf returns a row for each resource and image of a Session. A row that is the same as the one of `previous` is that
 * one, so that what shows it has nothing to do.
 */
export function rowsOf(session: Session, resources = noResources, previous?: Rows): Rows {
  const { status } = session
  const groups = new Map<string, Target[]>()
  for (const t of status.targets) {
    for (const name of sources(t)) {
      const group = groups.get(name)
      if (group) group.push(t)
      else groups.set(name, [t])
    }
  }
  for (const group of groups.values()) if (group.length > 1) group.sort((a, b) => urgency(a) - urgency(b))
  const names = [...groups.keys()].sort(byPlace)
  const cut = status.done ? ended(status, 0) : 0
  const steady = previous?.status.done === status.done
  const list = names.map((name) => {
    const before = previous?.byName.get(name)
    const resource = resources.get(name)
    if (before && steady && alone(before, groups.get(name) ?? [], resource)) return before
    const row = newRow(name, groups, status, cut, resource)
    return before && same(before, row) ? before : row
  })
  return { status, list, byName: new Map(list.map((row) => [row.name, row])) }
}

function byPlace(a: string, b: string): number {
  if (a === tiltfileResource || b === tiltfileResource) return a === b ? 0 : a === tiltfileResource ? -1 : 1
  return compareNames(a, b)
}

type Groups = ReadonlyMap<string, Target[]>

function newRow(
  name: string,
  groups: Groups,
  status: SessionStatus,
  cut: number,
  resource: UIResource | undefined,
): Row {
  const targets = groups.get(name) ?? []
  const t = targets[0] as Target
  const waitsOn = awaited(name, t, groups, status)
  return {
    name,
    targets,
    phase: phaseOf(t),
    state: stateOf(t, status),
    span: spanOf(t, cut),
    why: [reason(t, waitsOn), restartWords(t)].filter(Boolean).join(', '),
    waitsOn,
    restarts: t.restartCount ?? 0,
    labels: labelsOf(resource),
    links: (resource?.status.endpointLinks ?? []).map(({ url = '', name = '' }) => ({ url, name: name || url })),
    type: typeOf(name, targets, resource),
    order: name === tiltfileResource ? 0 : resource?.status.order || Number.MAX_SAFE_INTEGER,
    took: tookOf(targets, resource),
    resource,
  }
}

/** stateOf is the state of a target in words. What went on when its Session ended has been stopped. */
export function stateOf(t: Target, status: SessionStatus): string {
  return status.done && phaseOf(t) === 'active' ? 'stopped' : stateWord(t)
}

/** urgency is lower for what says more. A server that waits for the update of its resource says less than that. */
function urgency(t: Target): number {
  if (t.state.waiting?.waitReason === 'waiting-for-update') return ranked.indexOf('waiting') + 0.5
  return ranked.indexOf(phaseOf(t))
}

/** spanOf is the span of a row; cut is when a Session that is done ended, and with it all that went on. */
function spanOf(t: Target, cut: number): Row['span'] {
  const { waiting, active, terminated } = t.state
  if (waiting?.since) return known(moment(waiting.since), cut)
  if (active?.ready) return closed(moment(active.startTime), moment(active.lastReadyTime))
  if (active) return known(moment(active.startTime), cut)
  return terminated && closed(moment(terminated.startTime), moment(terminated.finishTime))
}

const known = (from: number, to: number) => (from === 0 ? undefined : { from, to })
const closed = (from: number, to: number) => (from === 0 || to === 0 ? undefined : { from, to })

/** timeIn is how long a row has waited or run, took to be ready or to end, in ms; -1 where that isn't known. */
export function timeIn({ span }: Row, now: number): number {
  return span ? between(span.from, span.to || now) : -1
}

function reason(t: Target, waitsOn: readonly Awaited[]): string {
  const { terminated, waiting } = t.state
  if (terminated?.error) return failureWords(terminated)
  if (!waiting) return ''
  if (waitsOn.length === 0) return waitWords(waiting.waitReason)
  const names = waitsOn.slice(0, maxOn).map(({ name, state }) => `${name} (${state})`)
  if (waitsOn.length > maxOn) names.push(`${waitsOn.length - maxOn} more`)
  return `← ${names.join(', ')}`
}

/** How many of the rows that a row waits for are named. */
const maxOn = 3

function awaited(self: string, t: Target, groups: Groups, status: SessionStatus): Awaited[] {
  const on = t.state.waiting?.on
  if (!on) return []
  const names = new Set(on.map((name) => rowOf(groups, name)))
  const list: { name: string; t: Target }[] = []
  for (const name of names) {
    const first = name !== undefined && name !== self && groups.get(name)?.[0]
    if (first) list.push({ name, t: first })
  }
  list.sort((a, b) => urgency(a.t) - urgency(b.t))
  return list.map(({ name, t }) => ({ name, phase: phaseOf(t), state: stateOf(t, status) }))
}

/** rowOf is the name of the row of a target, a resource, an image or a dependency, undefined if there is none. */
export function rowOf(rows: ReadonlyMap<string, unknown>, name: string): string | undefined {
  if (rows.has(name)) return name
  if (name === 'tiltfile:update' && rows.has(tiltfileResource)) return tiltfileResource
  const resource = name.slice(0, Math.max(name.lastIndexOf(':'), 0))
  return [resource, imagePrefix + name, imageTarget(name)].find((candidate) => rows.has(candidate))
}

/** whyChain are the rows of why a row waits: first the row itself, last what holds all up. */
export function whyChain(rows: Rows, row: Row): Row[] {
  const list = [row]
  for (const link of chain(rows.status, row.targets[0]?.name ?? '')) {
    const next = rows.byName.get(rowOf(rows.byName, link.target.name) ?? '')
    if (next && next !== list.at(-1)) list.push(next)
  }
  return list
}

function labelsOf(resource: UIResource | undefined): string[] {
  const labels = Object.keys(resource?.metadata.labels ?? {})
  return labels.filter((label) => !label.startsWith('session.tilt.dev/')).sort(compareNames)
}

function typeOf(name: string, targets: readonly Target[], resource: UIResource | undefined): string {
  if (name === tiltfileResource) return 'Tiltfile'
  if (targets.some((t) => t.name === name)) return 'image'
  if (resource?.status.k8sResourceInfo) return 'Kubernetes'
  if (resource?.status.composeResourceInfo) return 'Docker Compose'
  if (resource?.status.localResourceInfo) return 'local'
  return targets.some((t) => t.type === 'server') ? 'server' : 'job'
}

function tookOf(targets: readonly Target[], resource: UIResource | undefined): number {
  const build = resource?.status.buildHistory?.[0]
  if (build) return between(moment(build.startTime), moment(build.finishTime))
  const took = targets.map(({ state: { terminated, active }, times }) => {
    if (terminated) return between(moment(terminated.startTime), moment(terminated.finishTime))
    return active?.ready ? between(moment(times?.startTime), moment(times?.readyTime)) : -1
  })
  return Math.max(-1, ...took)
}

/** alone reports whether a row is made of the same as before, and of no other row. */
function alone(before: Row, targets: readonly Target[], resource: UIResource | undefined): boolean {
  return before.resource === resource && !before.targets[0]?.state.waiting && sameTargets(before.targets, targets)
}

function sameTargets(a: readonly Target[], b: readonly Target[]): boolean {
  return a.length === b.length && a.every((t, i) => t === b[i])
}

/** same reports whether two rows of one name say the same. */
function same(a: Row, b: Row): boolean {
  return (
    a.resource === b.resource &&
    a.state === b.state &&
    a.why === b.why &&
    a.span?.to === b.span?.to &&
    sameTargets(a.targets, b.targets) &&
    a.waitsOn.length === b.waitsOn.length &&
    a.waitsOn.every((on, i) => on.name === b.waitsOn[i]?.name && on.phase === b.waitsOn[i]?.phase)
  )
}
