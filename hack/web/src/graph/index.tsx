// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import './graph.css'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Session } from '../api/types'
import { useApp } from '../app'
import { looks } from '../model/phase'
import { whyChain } from '../model/rows'
import { isImage } from '../model/sources'
import { go, href } from '../router'
import { plural, visible } from '../ui/text'
import { edgeKey, edgesAlong, type GraphNode } from './build'
import { type GraphData, type Groups, useGraph, useLayout } from './data'
import { Arrows, EdgeView, NodeView, short, stateOf } from './draw'
import { Details, Table } from './text'
import { type Camera, Viewport } from './viewport'
import { firstNode, walk } from './walk'

/** GraphView shows what depends on what in a Session, and how each resource is. */
export default function GraphView({ session }: { session: Session }) {
  const { state } = useApp()
  const [groups, setGroups] = useState<Groups>({ collapsed: undefined, except: new Set() })
  const data = useGraph(session, groups)
  const layout = useLayout(data.graph)
  const [selected, select] = useState<string>()
  const [table, showTable] = useState(false)
  const camera = useRef<Camera | undefined>(undefined)
  const container = useRef<HTMLDivElement>(null)
  const name = session.metadata.name ?? ''
  const node = data.graph.nodes.find(({ id }) => id === selected)

  const toggle = (id: string) => setGroups(({ collapsed, except }) => ({ collapsed, except: new Set([...except, id]) }))
  const open = (opened: GraphNode) => {
    if (opened.group) toggle(opened.id)
    else go({ session: name, resource: opened.id })
  }
  const focus = (id: string | undefined) => {
    const place = layout?.nodes.find((placed) => placed.id === id)
    if (!place) return
    camera.current?.reveal(place)
    const nodes = container.current?.querySelectorAll<SVGElement>('[data-node]') ?? []
    ;[...nodes].find((element) => element.dataset.node === id)?.focus({ preventScroll: true })
  }
  const keys = (event: KeyboardEvent) => {
    const target = event.target as Element
    if (event.ctrlKey || event.metaKey || event.altKey || !target.closest('.graph-view')) return
    if (onKey(event.key, event.shiftKey, camera.current)) event.preventDefault()
    else if (layout && event.key.startsWith('Arrow')) {
      event.preventDefault()
      focus(walk(layout, selected ?? firstNode(layout) ?? '', event.key))
    }
  }

  if (data.graph.nodes.length === 0) return <p class="graph-empty">The Tiltfile hasn't defined any resources yet.</p>
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys are those of the nodes within it.
    <div class="graph" ref={container} onKeyDown={keys}>
      <div class="graph-tools" role="toolbar" aria-label="Graph">
        {!table && <Zoom camera={camera} />}
        {data.collapsible && !table && (
          <button
            type="button"
            aria-pressed={data.collapsed}
            onClick={() => setGroups({ collapsed: !data.collapsed, except: new Set() })}
          >
            Group by label
          </button>
        )}
        <button type="button" aria-pressed={table} onClick={() => showTable(!table)}>
          As a table
        </button>
        <span class="graph-note">
          {counted(data)}
          {data.critical.length > 1 && '; thick: the critical path'}
        </span>
      </div>
      {state.ui.value !== 'loading' && partial(data) && <p class="graph-note">{partial(data)}</p>}
      {table || layout === null ? (
        <Table session={name} rows={data.rows} dependencies={data.dependencies} />
      ) : layout ? (
        <>
          <Picture {...{ data, layout, camera, selected, select, open, name }} />
          <Details {...data} session={name} node={node} expand={toggle} />
        </>
      ) : (
        <p class="graph-empty" role="status">
          Laying out {data.graph.nodes.length} resources…
        </p>
      )}
    </div>
  )
}

/** partial says which edges may be missing. */
function partial({ served, rows }: GraphData): string {
  const since = 'what has been waited for since this page was opened.'
  if (!served) return `This server doesn't serve UIResources to you: the edges are ${since}`
  const images = rows.list.filter(({ name }) => isImage(name)).length
  return images > 1 ? `On which others an image is built isn't known: the edges between images are ${since}` : ''
}

function Zoom({ camera }: { camera: { current: Camera | undefined } }) {
  return (
    <>
      <button type="button" onClick={() => camera.current?.zoom(1.25)} title="Zoom in (+)" aria-label="Zoom in">
        +
      </button>
      <button type="button" onClick={() => camera.current?.zoom(0.8)} title="Zoom out (-)" aria-label="Zoom out">
        −
      </button>
      <button type="button" onClick={() => camera.current?.fit()} title="Show all (0)">
        Fit
      </button>
    </>
  )
}

function onKey(key: string, shift: boolean, camera: Camera | undefined): boolean {
  const pans: Record<string, [number, number]> = {
    ArrowLeft: [60, 0],
    ArrowRight: [-60, 0],
    ArrowUp: [0, 60],
    ArrowDown: [0, -60],
  }
  const pan = shift && pans[key]
  if (pan) camera?.pan(...pan)
  else if (key === '+' || key === '=') camera?.zoom(1.25)
  else if (key === '-' || key === '_') camera?.zoom(0.8)
  else if (key === '0') camera?.fit()
  else return false
  return true
}

function counted({ graph, rows, dependencies }: GraphData): string {
  const edges = [...dependencies.values()].reduce((sum, needs) => sum + needs.size, 0)
  const resources = rows.list.filter(({ name }) => dependencies.has(name)).length
  const nodes = graph.nodes.length < resources ? ` in ${graph.nodes.length} nodes` : ''
  return `${plural(resources, 'resource')}${nodes}, ${plural(edges, 'dependency', 'dependencies')}`
}

interface PictureProps {
  data: GraphData
  layout: NonNullable<ReturnType<typeof useLayout>>
  camera: { current: Camera | undefined }
  selected: string | undefined
  select(id: string): void
  open(node: GraphNode): void
  name: string
}

/** Picture draws the graph. */
function Picture({ data, layout, camera, selected, select, open, name }: PictureProps) {
  const { graph, rows, critical } = data
  const chosen = graph.nodes.find(({ id }) => id === selected)
  const chain = chosen && !chosen.group && chosen.rows[0] ? whyChain(rows, chosen.rows[0]).map((row) => row.name) : []
  const inChain = new Set(chain.length > 1 ? chain.map((row) => graph.nodeOf.get(row)) : [])
  const chainEdges = edgesAlong(chain.toReversed(), graph)
  const criticalEdges = edgesAlong(critical, graph)
  const onPath = new Set(critical.map((row) => graph.nodeOf.get(row)))
  const stop = layout.nodes.some(({ id }) => id === selected) ? selected : firstNode(layout)
  const byID = useMemo(() => new Map(graph.nodes.map((node) => [node.id, node])), [graph])
  const dim = inChain.size > 0 ? 'beside' : ''
  useEffect(() => {
    const place = layout.nodes.find(({ id }) => id === selected)
    if (place) camera.current?.reveal(place)
  }, [layout, selected, camera])
  return (
    <>
      <p id="graph-keys" class="hidden-text">
        Arrow keys follow the edges, Enter opens, plus and minus zoom, 0 shows all, shift with arrow keys moves.
      </p>
      <Viewport drawing={layout} camera={camera} label={`Graph: ${counted(data)}`} description="graph-keys">
        <Arrows />
        {layout.edges.map((edge) => {
          const key = edgeKey(edge.from, edge.to)
          const path = criticalEdges.has(key) ? 'critical' : ''
          return <EdgeView key={key} edge={edge} role={`${path} ${chainEdges.has(key) ? 'chain' : dim}`} />
        })}
        {layout.nodes.map((place) => {
          const node = byID.get(place.id)
          if (!node) return null
          const path = onPath.has(node.id) ? 'critical' : ''
          return (
            <NodeView
              key={node.id}
              node={node}
              place={place}
              href={hrefOf(name, node)}
              current={node.id === stop}
              selected={node.id === selected}
              role={`${path} ${inChain.has(node.id) ? 'chain' : dim}`}
              name={nameOf(node, data)}
              onSelect={select}
              onOpen={open}
            />
          )
        })}
      </Viewport>
    </>
  )
}

/** hrefOf is where a node leads to: the resource, or the table of those of a label. */
function hrefOf(session: string, node: GraphNode): string {
  if (!node.group) return href({ session, resource: node.id })
  return href({ session, view: 'table', params: { label: node.rows[0]?.labels[0] ?? '' } })
}

/** nameOf is a node in words: what a reader without the picture hears. */
function nameOf(node: GraphNode, { dependencies, critical }: GraphData): string {
  const row = node.rows[0]
  // It begins with what is seen, so that a user who speaks to the browser can say it.
  const parts = [`${short(node.label)} ${stateOf(node)}`]
  if (short(node.label) !== node.label) parts.push(node.label)
  if (node.group) return `${parts[0]}, ${looks[node.phase].word}`
  const needs = [...(dependencies.get(row?.name ?? '') ?? [])]
  if (row?.why) parts.push(visible(row.why))
  if (needs.length > 0) parts.push(`needs ${needs.join(', ')}`)
  if (critical.includes(row?.name ?? '')) parts.push('on the critical path')
  return parts.join(', ')
}
