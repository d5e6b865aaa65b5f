// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Layout, Placed } from './layout'

/**
 * walk is the node that an arrow key leads to: right to what needs a node, left to what it needs, in each case the
 * nearest, and up and down to the next one in its column, else to the nearest above or below.
 */
export function walk(layout: Layout, id: string, key: string): string | undefined {
  const at = layout.nodes.find((node) => node.id === id)
  if (!at) return undefined
  switch (key) {
    case 'ArrowRight':
      return nearest(
        at,
        linked(layout, (edge) => edge.from === id && edge.to),
      )
    case 'ArrowLeft':
      return nearest(
        at,
        linked(layout, (edge) => edge.to === id && edge.from),
      )
    case 'ArrowUp':
      return nearest(at, vertical(layout, at, -1))
    case 'ArrowDown':
      return nearest(at, vertical(layout, at, 1))
  }
  return undefined
}

function linked(layout: Layout, other: (edge: Layout['edges'][number]) => string | false): Placed[] {
  const ids = new Set(layout.edges.map(other))
  return layout.nodes.filter((node) => ids.has(node.id))
}

function vertical(layout: Layout, at: Placed, sign: number): Placed[] {
  const beyond = layout.nodes.filter((node) => sign * (node.y - at.y) > 1)
  const column = beyond.filter((node) => Math.abs(node.x - at.x) < (node.width + at.width) / 2)
  return column.length > 0 ? column : beyond
}

function nearest(at: Placed, nodes: readonly Placed[]): string | undefined {
  let best: Placed | undefined
  const distance = (node: Placed) => Math.hypot(node.x - at.x, node.y - at.y)
  for (const node of nodes) if (!best || distance(node) < distance(best)) best = node
  return best?.id
}

/** firstNode is the node at which walking begins: the topmost one of the first column. */
export function firstNode(layout: Layout): string | undefined {
  let best: Placed | undefined
  const place = (node: Placed) => (node.x - node.width / 2) * 1000 + node.y
  for (const node of layout.nodes) if (!best || place(node) < place(best)) best = node
  return best?.id
}
