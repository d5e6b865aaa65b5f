// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { layout as dagre, Graph } from '@dagrejs/dagre'

/** LayoutInput is what a layout depends on. */
export interface LayoutInput {
  nodes: { id: string; width: number; height: number }[]
  edges: { from: string; to: string }[]
}

export interface Point {
  x: number
  y: number
}

/** Placed is a node with the place of its middle. */
export interface Placed extends Point {
  id: string
  width: number
  height: number
}

export interface Layout {
  width: number
  height: number
  nodes: Placed[]
  edges: { from: string; to: string; points: Point[] }[]
}

const gap = 16
const margin = 16

/** layOut places nodes in layers from left to right, each node after all that lead to it. Those without an edge are below. */
export function layOut({ nodes, edges }: LayoutInput): Layout {
  const connected = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  const layered = layers(
    nodes.filter((node) => connected.has(node.id)),
    edges,
  )
  return addRest(
    layered,
    nodes.filter((node) => !connected.has(node.id)),
  )
}

function layers(nodes: LayoutInput['nodes'], edges: LayoutInput['edges']): Layout {
  if (nodes.length === 0) return { width: 0, height: 0, nodes: [], edges: [] }
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: gap, ranksep: 48, edgesep: 8, marginx: margin, marginy: margin })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height })
  for (const { from, to } of edges) graph.setEdge(from, to)
  dagre(graph)
  const { width = 0, height = 0 } = graph.graph()
  const placed = new Map(
    nodes.map((node) => {
      const { x = 0, y = 0 } = graph.node(node.id)
      return [node.id, { ...node, x, y }]
    }),
  )
  // The half of the width of each column, by the middle of the column.
  const columns = new Map<number, number>()
  for (const { x, width } of placed.values()) columns.set(key(x), Math.max(columns.get(key(x)) ?? 0, width / 2))
  return {
    width,
    height,
    nodes: [...placed.values()],
    edges: edges.map((edge) => {
      const [from, to] = [placed.get(edge.from) as Placed, placed.get(edge.to) as Placed]
      const between = (graph.edge(edge.from, edge.to).points ?? []).slice(1, -1)
      // In a circle an edge leads back.
      const back = from.x > to.x
      const points = route(back ? to : from, back ? between.toReversed() : between, back ? from : to, columns)
      return { ...edge, points: back ? points.toReversed() : points }
    }),
  }
}

const key = (x: number) => Math.round(x * 10)

/** route leads from the right side of a node to the left side of another one, level through the columns between them. */
function route(from: Placed, between: readonly Point[], to: Placed, columns: ReadonlyMap<number, number>): Point[] {
  const points: Point[] = [{ x: from.x + from.width / 2, y: from.y }]
  const half = (x: number) => columns.get(key(x)) ?? 0
  const level = (y: number, ...xs: number[]) => points.push(...xs.map((x) => ({ x, y })))
  level(from.y, from.x + half(from.x))
  for (const { x, y } of between) if (half(x) > 0) level(y, x - half(x), x + half(x))
  level(to.y, to.x - half(to.x), to.x - to.width / 2)
  return points
}

/** addRest places nodes in columns below a layout, about as wide as that or as a screen. */
function addRest(above: Layout, nodes: LayoutInput['nodes']): Layout {
  if (nodes.length === 0) return above
  const column = Math.max(...nodes.map((node) => node.width)) + gap
  const row = Math.max(...nodes.map((node) => node.height)) + gap
  const square = Math.sqrt((nodes.length * row * 16) / 9 / column)
  const columns = Math.min(
    nodes.length,
    Math.max(Math.round(square), Math.floor((above.width - 2 * margin) / column), 1),
  )
  const top = above.height > 0 ? above.height + gap : margin
  const rest = nodes.map((node, i) => ({
    ...node,
    x: margin + (i % columns) * column + node.width / 2,
    y: top + Math.floor(i / columns) * row + node.height / 2,
  }))
  return {
    width: Math.max(above.width, 2 * margin + columns * column - gap),
    height: top + Math.ceil(nodes.length / columns) * row - gap + margin,
    nodes: [...above.nodes, ...rest],
    edges: above.edges,
  }
}
