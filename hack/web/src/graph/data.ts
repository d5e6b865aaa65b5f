// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Session } from '../api/types'
import { useApp } from '../app'
import { criticalPath, needsOf } from '../model/path'
import { type Rows, rowsOf } from '../model/rows'
import { buildGraph, type Dependencies, dependenciesOf, type Graph, groupsOf, maxNodes } from './build'
import { sizeOf } from './draw'
import type { Layout, LayoutInput } from './layout'
import { Layouter } from './layouter'

/** GraphData is what a graph shows now. */
export interface GraphData {
  rows: Rows
  dependencies: Dependencies
  graph: Graph
  /** The names of the rows of the critical path, the first step first. */
  critical: readonly string[]
  /** Some labels have more than one resource, so that collapsing them makes sense. */
  collapsible: boolean
  collapsed: boolean
  /** Whether dependencies are served, and not only seen while something waits for them. */
  served: boolean
}

/** Groups are the labels of which the state isn't that of all. */
export interface Groups {
  collapsed: boolean | undefined
  except: ReadonlySet<string>
}

/** useGraph returns the graph of a Session. */
export function useGraph(session: Session, groups: Groups): GraphData {
  const { state } = useApp()
  const resources = state.resources(session.metadata.name ?? '').value
  const previous = useRef<Rows | undefined>(undefined)
  // Another run has other dependencies.
  const seen = useMemo(() => new Map<string, Set<string>>(), [session.metadata.uid])
  const rows = useMemo(() => rowsOf(session, resources, previous.current), [session, resources])
  previous.current = rows
  const dependencies = useMemo(() => dependenciesOf(rows, seen), [rows, seen])
  const collapsed = groups.collapsed ?? rows.list.length > maxNodes
  const graph = useMemo(
    () => buildGraph(rows, dependencies, (group) => collapsed !== groups.except.has(group)),
    [rows, dependencies, collapsed, groups],
  )
  const critical = useMemo(() => criticalRows(session, rows, resources), [session, rows, resources])
  return { rows, dependencies, graph, critical, collapsed, collapsible: collapsible(rows), served: resources.size > 0 }
}

function collapsible(rows: Rows): boolean {
  const known = new Set<string>()
  const groupOf = groupsOf(rows)
  for (const row of rows.list) {
    const group = groupOf(row)
    if (group !== undefined && known.has(group)) return true
    if (group !== undefined) known.add(group)
  }
  return false
}

function criticalRows(session: Session, rows: Rows, resources: Parameters<typeof needsOf>[1]): string[] {
  // The moment of what goes on doesn't change which targets are on the path.
  const path = criticalPath(session.status, needsOf(session.status, resources), Number.MAX_SAFE_INTEGER)
  const names: string[] = []
  const rowOfTarget = new Map(rows.list.flatMap((row) => row.targets.map((t) => [t.name, row.name] as const)))
  for (const { target } of path) {
    const name = rowOfTarget.get(target.name)
    if (name !== undefined && name !== names.at(-1)) names.push(name)
  }
  return names
}

/**
 * useLayout returns the layout of a graph, which is computed when its nodes or edges change; the last one until then.
 * It is null if it can't be computed: the script of the worker isn't there any more, or it has failed.
 */
export function useLayout(graph: Graph): Layout | undefined | null {
  const [layout, setLayout] = useState<Layout | null>()
  const layouter = useMemo(() => new Layouter(), [])
  useEffect(() => () => layouter.close(), [layouter])
  const input: LayoutInput = {
    nodes: graph.nodes.map((node) => ({ id: node.id, ...sizeOf(node) })),
    edges: graph.edges.map(({ from, to }) => ({ from, to })),
  }
  const key = JSON.stringify(input)
  useEffect(() => layouter.layOut(JSON.parse(key) as LayoutInput, (made) => setLayout(made ?? null)), [layouter, key])
  return layout
}
