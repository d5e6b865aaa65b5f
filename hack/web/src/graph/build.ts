// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Phase, ranked } from '../model/phase'
import { type Row, type Rows, rowOf } from '../model/rows'
import { imagePrefix, tiltfileResource } from '../model/sources'
import { compareNames } from '../model/text'
import { visible } from '../ui/text'

/** Dependencies are what each row depends on, by name. */
export type Dependencies = ReadonlyMap<string, ReadonlySet<string>>

/** GraphNode is a resource, an image, or all resources of a label. */
export interface GraphNode {
  readonly id: string
  readonly label: string
  /** One row, or those of a label. */
  readonly rows: readonly Row[]
  readonly group: boolean
  /** The most urgent one of its rows. */
  readonly phase: Phase
}

/** GraphEdge leads from what is needed to what needs it. */
export interface GraphEdge {
  readonly from: string
  readonly to: string
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** The node that shows a row, by the name of the row. */
  readonly nodeOf: ReadonlyMap<string, string>
}

/** From so many nodes on those of a label are one node at first. */
export const maxNodes = 80

/**
 * dependenciesOf are the dependencies of the rows. Those of a resource are in its UIResource. Without it, and for
 * images, only what it waits for tells them: `seen` keeps these, since they are gone once it doesn't wait.
 */
export function dependenciesOf(rows: Rows, seen: Map<string, Set<string>>): Dependencies {
  const all = new Map<string, Set<string>>()
  for (const row of rows.list) {
    if (row.name === tiltfileResource) continue
    const known = seen.get(row.name) ?? new Set()
    for (const { name } of row.waitsOn) if (name !== tiltfileResource) known.add(name)
    if (known.size > 0) seen.set(row.name, known)
    const stated = row.resource?.status.dependencies?.map((dep) => rowOf(rows.byName, dep))
    const names = row.resource ? (stated ?? []) : [...known]
    all.set(row.name, new Set(names.filter((name) => name !== undefined && rows.byName.has(name)) as string[]))
  }
  return all
}

/** From so many rows without a label on they are collapsed, too, if others have one. */
const maxUnlabelled = 12

/** groupsOf returns the node of each row whose label is collapsed: the first of its labels. */
export function groupsOf(rows: Rows): (row: Row) => string | undefined {
  const unlabelled = rows.list.filter((row) => row.labels.length === 0).length
  const rest = unlabelled > maxUnlabelled && unlabelled < rows.list.length - 1 ? 'label ' : undefined
  return (row) => (row.labels[0] === undefined ? rest : `label ${row.labels[0]}`)
}

/** buildGraph returns the graph of the rows, in which those of the collapsed labels are one node. */
export function buildGraph(rows: Rows, dependencies: Dependencies, collapsed: (group: string) => boolean): Graph {
  const members = new Map<string, Row[]>()
  const nodeOf = new Map<string, string>()
  const groupOf = groupsOf(rows)
  for (const row of rows.list) {
    if (row.name === tiltfileResource) continue
    const group = groupOf(row)
    const id = group !== undefined && collapsed(group) ? group : row.name
    nodeOf.set(row.name, id)
    const list = members.get(id)
    if (list) list.push(row)
    else members.set(id, [row])
  }
  const nodes = [...members].map(([id, list]) => newNode(id, list))
  nodes.sort((a, b) => compareNames(a.id, b.id))
  return { nodes, edges: edgesOf(dependencies, nodeOf), nodeOf }
}

function newNode(id: string, rows: readonly Row[]): GraphNode {
  const group = rows[0]?.name !== id
  const phase = rows.map((row) => row.phase).sort((a, b) => ranked.indexOf(a) - ranked.indexOf(b))[0] ?? 'absent'
  const name = id.startsWith(imagePrefix) ? id.slice(imagePrefix.length) : id
  return {
    id,
    rows,
    group,
    phase,
    label: visible(group ? `${id.slice('label '.length) || 'no label'} (${rows.length})` : name),
  }
}

function edgesOf(dependencies: Dependencies, nodeOf: ReadonlyMap<string, string>): GraphEdge[] {
  const edges = new Map<string, GraphEdge>()
  for (const [name, needs] of dependencies) {
    const to = nodeOf.get(name)
    for (const need of needs) {
      const from = nodeOf.get(need)
      if (to !== undefined && from !== undefined && from !== to) edges.set(edgeKey(from, to), { from, to })
    }
  }
  return [...edges.keys()].sort(compareNames).map((key) => edges.get(key) as GraphEdge)
}

/** edgeKey is unique for an edge. */
export function edgeKey(from: string, to: string): string {
  return `${from}\n${to}`
}

/** edgesAlong are the keys of the edges between each row and the next of a list that begins with what is needed. */
export function edgesAlong(names: readonly string[], graph: Graph): Set<string> {
  const keys = new Set<string>()
  names.forEach((name, i) => {
    const from = graph.nodeOf.get(names[i - 1] ?? '')
    const to = graph.nodeOf.get(name)
    if (from !== undefined && to !== undefined && from !== to) keys.add(edgeKey(from, to))
  })
  return keys
}
