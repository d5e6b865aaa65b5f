// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { looks, type Phase, phaseOf, ranked } from '../model/phase'
import type { GraphNode } from './build'
import type { Layout, Placed, Point } from './layout'

/** How many characters of a name a node shows. The middle of a longer one is left out. */
const shown = 26

/** short is a name as a node shows it. */
export function short(name: string): string {
  const characters = [...name]
  if (characters.length <= shown) return name
  const half = (shown - 1) / 2
  return `${characters.slice(0, Math.ceil(half)).join('')}…${characters.slice(-Math.floor(half)).join('')}`
}

/** sizeOf is the size of a node, in which each state has place: the layout doesn't depend on it. */
export function sizeOf(node: GraphNode): { width: number; height: number } {
  let columns = 0
  for (const c of short(node.label)) columns += (c.codePointAt(0) ?? 0) > 0x2e80 ? 2 : 1
  return { width: Math.max(node.group ? 176 : 126, 48 + Math.round(columns * 7.4)), height: 46 }
}

/** stateOf is the state of a node in words: that of its row, or how many rows of a label are in which. */
export function stateOf(node: GraphNode): string {
  if (!node.group) return node.rows[0]?.state ?? ''
  const counts = new Map<Phase, number>()
  for (const row of node.rows) {
    const phase = phaseOf(row.targets[0] ?? { state: {} })
    counts.set(phase, (counts.get(phase) ?? 0) + 1)
  }
  const parts = ranked.filter((phase) => counts.has(phase)).map((phase) => `${looks[phase].sign}${counts.get(phase)}`)
  return parts.join(' ')
}

interface NodeProps {
  node: GraphNode
  place: Placed
  href: string
  /** Whether it is reached by Tab. */
  current: boolean
  selected: boolean
  /** How it stands out: on the critical path, in the chain of what is selected, or beside that. */
  role: string
  name: string
  onSelect(id: string): void
  onOpen(node: GraphNode): void
}

/** NodeView draws a node. A click selects it; Enter, and a click with a modifier, opens it. */
export function NodeView({ node, place, href, current, selected, role, name, onSelect, onOpen }: NodeProps) {
  const { width, height } = place
  const look = looks[node.phase]
  const click = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    // The click of a key has no count.
    if (event.detail === 0 || event.detail === 2) onOpen(node)
    else onSelect(node.id)
  }
  return (
    <g transform={`translate(${place.x - width / 2} ${place.y - height / 2})`}>
      <a
        href={href}
        class={`graph-node ${look.tone} ${role}`}
        data-node={node.id}
        tabindex={current ? 0 : -1}
        aria-label={name}
        aria-current={selected ? 'true' : undefined}
        onClick={click}
        onFocus={() => onSelect(node.id)}
      >
        {short(node.label) !== node.label && <title>{node.label}</title>}
        {node.group && <rect class="graph-behind" x={4} y={-4} width={width} height={height} rx={6} />}
        <rect class="graph-box" width={width} height={height} rx={6} />
        <rect class="graph-bar" width={5} height={height} rx={2.5} />
        <text class="graph-sign" x={21} y={height / 2}>
          {look.sign}
        </text>{' '}
        <text class="graph-name" x={36} y={19}>
          {short(node.label)}
        </text>{' '}
        <text class="graph-state" x={36} y={36}>
          {stateOf(node)}
        </text>
      </a>
    </g>
  )
}

/** EdgeView draws an edge. */
export function EdgeView({ edge, role }: { edge: Layout['edges'][number]; role: string }) {
  const arrow = role.includes('critical') ? 'graph-arrow-critical' : 'graph-arrow'
  return <path class={`graph-edge ${role}`} d={curve(edge.points)} marker-end={`url(#${arrow})`} />
}

/** Arrows defines the ends of edges. */
export function Arrows() {
  return (
    <defs>
      {['graph-arrow', 'graph-arrow-critical'].map((id) => (
        <marker
          key={id}
          id={id}
          class={id}
          viewBox="0 0 8 8"
          refX={7}
          refY={4}
          markerWidth={8}
          markerHeight={8}
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0.5 L7.5 4 L0 7.5 z" />
        </marker>
      ))}
    </defs>
  )
}

/** curve is a smooth line through points, level at each. */
function curve(points: readonly Point[]): string {
  const text = (x: number, y: number) => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`
  return points
    .map((p, i) => {
      const before = points[i - 1]
      if (!before) return `M${text(p.x, p.y)}`
      if (before.y === p.y) return `L${text(p.x, p.y)}`
      const middle = (before.x + p.x) / 2
      return `C${text(middle, before.y)} ${text(middle, p.y)} ${text(p.x, p.y)}`
    })
    .join('')
}
