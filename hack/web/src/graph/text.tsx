// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { looks } from '../model/phase'
import { type Row, type Rows, whyChain } from '../model/rows'
import { isImage } from '../model/sources'
import { href } from '../router'
import { visible } from '../ui/text'
import type { Dependencies, GraphNode } from './build'

/** neededBy are the names of the rows that depend on one. */
function neededBy(dependencies: Dependencies, name: string): string[] {
  return [...dependencies].filter(([, needs]) => needs.has(name)).map(([other]) => other)
}

interface Context {
  session: string
  rows: Rows
  dependencies: Dependencies
}

/** Images are built on each other, but the API says so only while one waits for another. */
const none = (row: Row) => (isImage(row.name) ? 'nothing that is known' : 'nothing')

/** Names are links to resources. */
function Names({ session, names, none }: { session: string; names: readonly string[]; none?: string }) {
  if (names.length === 0) return <>{none}</>
  return (
    <>
      {names.map((name, i) => (
        <span key={name}>
          {i > 0 && ', '}
          <a href={href({ session, resource: name })}>{visible(name)}</a>
        </span>
      ))}
    </>
  )
}

/** Details says what the graph shows of the selected node, and where it leads to. */
export function Details({
  node,
  expand,
  ...context
}: Context & { node: GraphNode | undefined; expand(id: string): void }) {
  const row = node?.rows[0]
  if (!row) return <p class="graph-details">Select a resource for what it needs and why it waits; Enter opens it.</p>
  if (node.group) {
    return (
      <p class="graph-details">
        <b>{node.label}</b>: <Names session={context.session} names={node.rows.map(({ name }) => name)} />{' '}
        <button type="button" onClick={() => expand(node.id)}>
          Show its resources
        </button>
      </p>
    )
  }
  const { session, rows, dependencies } = context
  const chain = whyChain(rows, row)
  return (
    <div class="graph-details">
      <p>
        <Sign row={row} /> <a href={href({ session, resource: row.name })}>{visible(row.name)}</a> {row.state}
        {row.why && `: ${visible(row.why)}`}
      </p>
      {chain.length > 2 && (
        <p>
          Held up by <Names session={session} names={chain.slice(-1).map(nameOf)} /> ({chain.at(-1)?.state}), through{' '}
          <Names session={session} names={chain.slice(1, -1).map(nameOf)} />
        </p>
      )}
      <p>
        Needs <Names session={session} names={[...(dependencies.get(row.name) ?? [])]} none={none(row)} />; needed by{' '}
        <Names session={session} names={neededBy(dependencies, row.name)} none={none(row)} />
      </p>
    </div>
  )
}

const nameOf = (row: Row) => row.name

function Sign({ row }: { row: Row }) {
  const { sign, tone } = looks[row.phase]
  return (
    <span class={`graph-tone ${tone}`} aria-hidden="true">
      {sign}
    </span>
  )
}

/** Table says in a table what the graph says. */
export function Table({ session, rows, dependencies }: Context) {
  const list = rows.list.filter(({ name }) => dependencies.has(name))
  return (
    <div class="graph-table">
      <table>
        <caption class="hidden-text">Resources and what they need</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Needs</th>
            <th scope="col">Needed by</th>
          </tr>
        </thead>
        <tbody>
          {list.map((row) => (
            <tr key={row.name}>
              <th scope="row">
                <a href={href({ session, resource: row.name })}>{visible(row.name)}</a>
              </th>
              <td>
                <Sign row={row} /> {row.state}
              </td>
              <td>
                <Names session={session} names={[...(dependencies.get(row.name) ?? [])]} none={none(row)} />
              </td>
              <td>
                <Names session={session} names={neededBy(dependencies, row.name)} none={none(row)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
