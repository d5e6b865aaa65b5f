// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { type Layout, type LayoutInput, layOut } from './layout'

/** random returns the same numbers below a limit each time, for a seed. */
function random(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** acyclic is a graph in which each edge leads to a later node. */
function acyclic(seed: number, nodes: number, edges: number): LayoutInput {
  const next = random(seed)
  const input: LayoutInput = { nodes: [], edges: [] }
  for (let i = 0; i < nodes; i++) input.nodes.push({ id: `n${i}`, width: 130 + next(100), height: 46 })
  const known = new Set<string>()
  while (known.size < edges) {
    const from = next(nodes - 1)
    const to = from + 1 + next(Math.min(nodes - from - 1, 40))
    if (known.has(`${from} ${to}`)) continue
    known.add(`${from} ${to}`)
    input.edges.push({ from: `n${from}`, to: `n${to}` })
  }
  return input
}

function check(layout: Layout, input: LayoutInput): void {
  const places = new Map(layout.nodes.map((node) => [node.id, node]))
  expect([...places.keys()].sort()).toEqual(input.nodes.map(({ id }) => id).sort())
  for (const edge of input.edges) {
    const from = places.get(edge.from)
    const to = places.get(edge.to)
    if (!from || !to) throw new Error(`no place for ${edge.from} or ${edge.to}`)
    expect(from.x + from.width / 2).toBeLessThan(to.x - to.width / 2)
  }
  for (const { from, to, points } of layout.edges) {
    const [a, b] = [places.get(from), places.get(to)]
    if (!a || !b) throw new Error(`no place for ${from} or ${to}`)
    expect(points[0]).toEqual({ x: a.x + a.width / 2, y: a.y })
    expect(points.at(-1)).toEqual({ x: b.x - b.width / 2, y: b.y })
    const right = points.every((p, i) => p.x >= (points[i - 1] ?? p).x)
    expect(right, `${from} to ${to} leads to the right`).toBe(true)
    const level = points.flatMap((p, i) => (points[i - 1]?.y === p.y ? [{ left: points[i - 1]?.x ?? 0, ...p }] : []))
    const crosses = (node: typeof a) =>
      level.some(
        ({ left, x, y }) => left < node.x + node.width / 2 && x > node.x - node.width / 2 && Math.abs(y - node.y) < 23,
      )
    const crossed = layout.nodes.filter((node) => node !== a && node !== b && crosses(node))
    expect(crossed, `${from} to ${to} crosses`).toEqual([])
  }
  layout.nodes.forEach((a, i) => {
    expect(a.x - a.width / 2).toBeGreaterThanOrEqual(0)
    expect(a.y - a.height / 2).toBeGreaterThanOrEqual(0)
    expect(a.x + a.width / 2).toBeLessThanOrEqual(layout.width)
    expect(a.y + a.height / 2).toBeLessThanOrEqual(layout.height)
    const apart = (b: typeof a) =>
      Math.abs(a.x - b.x) >= (a.width + b.width) / 2 || Math.abs(a.y - b.y) >= (a.height + b.height) / 2
    const overlapping = layout.nodes.slice(i + 1).filter((b) => !apart(b))
    expect(overlapping, `overlap with ${a.id}`).toEqual([])
  })
}

test.each([
  [1, 5, 4],
  [2, 12, 20],
  [3, 30, 41],
  [4, 60, 40],
  [5, 80, 160],
])('seed %i: %i nodes in layers, %i edges to the right', (seed, nodes, edges) => {
  const input = acyclic(seed, nodes, edges)
  check(layOut(input), input)
})

test('nodes without an edge are below the others, or alone', () => {
  const nodes = [...'abcdefgh'].map((id) => ({ id, width: 140, height: 46 }))
  check(layOut({ nodes, edges: [] }), { nodes, edges: [] })
  const input = { nodes, edges: [{ from: 'a', to: 'b' }] }
  const layout = layOut(input)
  check(layout, input)
  const y = new Map(layout.nodes.map((node) => [node.id, node.y]))
  expect(Math.min(...[...'cdefgh'].map((id) => y.get(id) ?? 0))).toBeGreaterThan(y.get('a') ?? Infinity)
})

test('nothing has no size', () => {
  expect(layOut({ nodes: [], edges: [] })).toEqual({ width: 0, height: 0, nodes: [], edges: [] })
})

test('a circle is laid out, too', () => {
  const nodes = [...'abc'].map((id) => ({ id, width: 140, height: 46 }))
  const edges = [
    { from: 'a', to: 'b' },
    { from: 'b', to: 'c' },
    { from: 'c', to: 'a' },
  ]
  const layout = layOut({ nodes, edges })
  const back = layout.edges.find((edge) => (places(edge.from)?.x ?? 0) > (places(edge.to)?.x ?? 0))
  const [from, to] = [places(back?.from), places(back?.to)]
  if (!from || !to) throw new Error('no place for a node')
  expect(back?.points[0]).toEqual({ x: from.x - from.width / 2, y: from.y })
  expect(back?.points.at(-1)).toEqual({ x: to.x + to.width / 2, y: to.y })

  function places(id: string | undefined) {
    return layout.nodes.find((node) => node.id === id)
  }
})

test('200 nodes and 400 edges take less than a second of a processor', () => {
  const input = acyclic(6, 200, 400)
  const used = () => process.cpuUsage().user / 1000
  const took: number[] = []
  for (let i = 0; i < 3; i++) {
    const before = used()
    const layout = layOut(input)
    took.push(used() - before)
    if (i === 0) check(layout, input)
  }
  expect(Math.min(...took)).toBeLessThan(1000)
}, 60_000)
