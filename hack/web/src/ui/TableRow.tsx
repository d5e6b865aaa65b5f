// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { Component } from 'preact'
import { useApp } from '../app'
import { duration } from '../model/format'
import { looks, ranked } from '../model/phase'
import type { Row } from '../model/rows'
import { href } from '../router'
import { AskButton } from './Ask'
import type { Entry } from './entries'
import { Glyph } from './Glyph'
import { StateMark } from './State'
import { TimeIn } from './Time'
import { visible, webLink } from './text'

interface Props {
  session: string
  row: Row
  index: number
  selected: boolean
  select(name: string, range: boolean): void
}

/** TableRow is a row. It does nothing unless what it shows has changed. */
export class TableRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { row, index, selected, session } = this.props
    return row !== next.row || index !== next.index || selected !== next.selected || session !== next.session
  }

  override render({ session, row, index, selected, select }: Props) {
    const name = visible(row.name)
    return (
      <tr
        aria-rowindex={index}
        class={`line ${looks[row.phase].tone} ${row.phase} ${selected ? 'selected' : ''}`}
        data-name={row.name}
      >
        <td class="select">
          <label class="target">
            <input
              type="checkbox"
              aria-label={`Select ${name}`}
              checked={selected}
              onClick={(event) => select(row.name, event.shiftKey)}
            />
          </label>
        </td>
        <td class="statecell">
          <StateMark phase={row.phase} word={row.state} />
        </td>
        <th scope="row" class="name">
          <a class="cut" href={href({ session, resource: row.name })} title={name}>
            {name}
          </a>
          <small class="under cut">
            {row.state}
            {row.why && ` · ${visible(row.why)}`}
          </small>
        </th>
        <td class="labels cut">{row.labels.map((label) => visible(label)).join(', ')}</td>
        <td class="number time">
          <TimeIn row={row} />
        </td>
        <td class="number last">{duration(row.took)}</td>
        <td class="number restarts">{row.restarts > 0 ? row.restarts : ''}</td>
        <td class="why">
          <Why session={session} row={row} />
        </td>
        <td class="links cut">
          <Links row={row} />
        </td>
        <td class="act">{row.type !== 'image' && <RowAction session={session} row={row} />}</td>
      </tr>
    )
  }
}

function Why({ session, row }: { session: string; row: Row }) {
  if (row.phase !== 'waiting' || row.waitsOn.length === 0) {
    return (
      <span class={row.phase === 'failed' ? 'cut bad tone' : 'cut'} title={visible(row.why)}>
        {visible(row.why)}
      </span>
    )
  }
  const [first, ...more] = row.waitsOn
  if (!first) return null
  return (
    <span class="cut" title={visible(row.why)}>
      <span class="muted">waits for </span>
      <a href={href({ session, resource: first.name })}>{visible(first.name)}</a>
      <span class="muted"> ({first.state})</span>
      {more.length > 0 && (
        <a href={href({ session, resource: row.name })} class="muted">
          {' '}
          and {more.length} more
        </a>
      )}
    </span>
  )
}

function Links({ row }: { row: Row }) {
  return (
    <>
      {row.links.map(({ url, name }) => {
        const address = webLink(url)
        if (!address) return null
        return (
          <a key={url} href={address} target="_blank" rel="noopener noreferrer" title={address}>
            {visible(name.replace(/^https?:\/\//, ''))}
          </a>
        )
      })}
    </>
  )
}

function RowAction({ session, row }: { session: string; row: Row }) {
  const { actions } = useApp()
  if (row.phase === 'disabled') {
    return (
      <AskButton
        class="plain"
        label={`Enable ${visible(row.name)}`}
        title="Enable"
        keys="e"
        effect={row}
        request={() => actions.enable(session, [row.name])}
      >
        Enable
      </AskButton>
    )
  }
  return (
    <AskButton
      class="plain"
      label={`Trigger ${visible(row.name)}`}
      title="Trigger"
      keys="t"
      effect={row}
      request={() => actions.trigger(session, [row.name])}
    >
      <Glyph name="trigger" />
    </AskButton>
  )
}

/** GroupLine is the head of a group: its title, the counts of its targets, and whether it is open. */
export function GroupLine({ entry, index, toggle }: { entry: Entry; index: number; toggle(key: string): void }) {
  if (entry.kind !== 'group') return null
  const { group, open } = entry
  const title = group.title ? visible(group.title) : 'without a label'
  return (
    <tr aria-rowindex={index} class="group">
      <th scope="rowgroup" colSpan={10}>
        <div class="row">
          <button type="button" class="plain" aria-expanded={open} onClick={() => toggle(group.key)}>
            <Glyph name="down" />
            {title}
            <span class="muted">{group.rows.length}</span>
          </button>
          <span class="tally">
            {ranked.map(
              (phase) =>
                group.counts[phase] > 0 &&
                group.key !== phase && (
                  <span key={phase} class={`state ${looks[phase].tone}`}>
                    <span aria-hidden="true">{looks[phase].sign}</span>
                    {group.counts[phase]}
                    <span class="hidden-text">{looks[phase].word}</span>
                  </span>
                ),
            )}
          </span>
        </div>
      </th>
    </tr>
  )
}
