// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useMemo } from 'preact/hooks'
import { waitingFor } from '../model/failures'
import { type Row, rowOf, whyChain } from '../model/rows'
import { href } from '../router'
import { StateMark } from './State'
import { useShown } from './session'
import { TimeIn } from './Time'
import { plural, visible } from './text'

/** WhyItWaits is the chain from a waiting resource down to what holds it up. */
export function WhyItWaits({ row }: { row: Row }) {
  const { rows, name } = useShown()
  const chain = useMemo(() => whyChain(rows, row), [rows, row])
  if (row.phase !== 'waiting') return null
  return (
    <section aria-label="Why it waits">
      <h2>Why it waits</h2>
      <ol class="chain">
        {chain.map((link, i) => (
          <li key={link.name}>
            <StateMark phase={link.phase} word={link.state} signOnly />
            <div>
              {i === 0 ? (
                <strong>{visible(link.name)}</strong>
              ) : (
                <a href={href({ session: name, resource: link.name })}>{visible(link.name)}</a>
              )}{' '}
              <span class="muted">
                {link.state} <TimeIn row={link} />
              </span>
              {link.why && <div class={link.phase === 'failed' ? 'bad tone wraps' : 'muted wraps'}>{reason(link)}</div>}
              {i === chain.length - 1 && i > 0 && <span class="tag">the root</span>}
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
}

function reason({ phase, why, waitsOn }: Row): string {
  const text = phase === 'waiting' && waitsOn.length > 0 ? `for ${why.replace(/^← /, '')}` : why
  return visible(text)
}

/** HeldByThis is what waits for a resource that has failed, or that others still wait for. */
export function HeldByThis({ row }: { row: Row }) {
  const { rows, name } = useShown()
  const held = useMemo(() => {
    if (row.phase === 'ready' || row.phase === 'succeeded' || row.phase === 'disabled') return []
    const targets = row.targets.map((t) => t.name)
    const names = waitingFor(rows.status, targets)
    return [...new Set(names.map((target) => rowOf(rows.byName, target)))].filter(
      (found) => found !== undefined && found !== row.name,
    )
  }, [rows, row])
  if (held.length === 0) return null
  return (
    <section aria-label="What waits for this">
      <h2>
        {plural(held.length, 'resource')} {held.length === 1 ? 'waits' : 'wait'} for this
      </h2>
      <p class="inline">
        {held.map((found) => (
          <a key={found} href={href({ session: name, resource: found ?? '' })}>
            {visible(found ?? '')}
          </a>
        ))}
      </p>
    </section>
  )
}
