// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useId, useMemo, useState } from 'preact/hooks'
import { useApp } from '../app'
import { LogPane } from '../log/LogPane'
import type { Row } from '../model/rows'
import { imagePrefix, tiltfileResource } from '../model/sources'
import { go, href } from '../router'
import { AskButton, ViewOnly } from './Ask'
import { ResourceButtons } from './Buttons'
import { Executions } from './Executions'
import { Facts } from './Facts'
import { Glyph } from './Glyph'
import { useKeys } from './keys'
import { StateMark } from './State'
import { useShown } from './session'
import { TimeIn } from './Time'
import { lined, visible, webLink } from './text'
import { HeldByThis, WhyItWaits } from './Why'

/** ResourcePage is a resource or image: how it is, why, what it has done, what can be done, and its log. */
export function ResourcePage({ row }: { row: Row }) {
  const { name } = useShown()
  const sources = useMemo(() => [row.name], [row.name])
  const open = (n: number) => () => {
    const address = webLink(row.links[n]?.url ?? '')
    if (address) window.open(address, '_blank', 'noopener,noreferrer')
  }
  useKeys({
    Escape: () => go({ session: name, view: 'table' }),
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [`${n}`, open(n - 1)])),
  })
  return (
    <div class="page resource">
      <Head row={row} />
      <div class="split">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
        <section class="side" tabIndex={0} aria-label="Details">
          <Problem row={row} />
          <WhyItWaits row={row} />
          <HeldByThis row={row} />
          <Facts row={row} />
          <Executions row={row} />
        </section>
        <section class="fill" aria-label="Log">
          <LogPane session={name} resources={sources} />
        </section>
      </div>
    </div>
  )
}

function Head({ row }: { row: Row }) {
  const { name } = useShown()
  return (
    <div class="bar head">
      <a
        class="back"
        href={href({ session: name, view: 'table' })}
        title="All resources (Esc)"
        aria-label="All resources"
      >
        <Glyph name="back" />
      </a>
      <h1 class="title wraps">{visible(row.name)}</h1>
      <StateMark phase={row.phase} word={row.state} />
      <span class="muted">
        <TimeIn row={row} />
      </span>
      <Links row={row} />
      <Acts row={row} />
    </div>
  )
}

function Links({ row }: { row: Row }) {
  const links = row.links.flatMap(({ url, name }) => {
    const address = webLink(url)
    return address ? [{ address, name }] : []
  })
  return (
    <>
      {links.map(({ address, name }, i) => (
        <a
          key={address}
          class="chip"
          href={address}
          target="_blank"
          rel="noopener noreferrer"
          title={i < 9 ? `${address} (${i + 1})` : address}
        >
          <span class="cut">{visible(name.replace(/^https?:\/\//, ''))}</span>
          <Glyph name="out" />
        </a>
      ))}
    </>
  )
}

function Acts({ row }: { row: Row }) {
  const { actions } = useApp()
  const { name } = useShown()
  const [open, setOpen] = useState(false)
  const id = useId()
  const disabled = row.phase === 'disabled'
  const image = row.name.startsWith(imagePrefix)
  const fixed = image ? 'Images are built for what uses them.' : ''
  const tiltfile = row.name === tiltfileResource
  const trigger = () => actions.trigger(name, [row.name])
  const turn = () => (disabled ? actions.enable(name, [row.name]) : actions.disable(name, [row.name]))
  useKeys({
    t: () => document.querySelector<HTMLButtonElement>('.head .trigger')?.click(),
    e: () => document.querySelector<HTMLButtonElement>('.head .turn')?.click(),
  })
  return (
    <div class="actions">
      <ViewOnly />
      <div id={id} class={open ? 'more open' : 'more'}>
        <ResourceButtons row={row} />
        {!tiltfile && !image && (
          <>
            <AskButton class="turn" keys="e" title={disabled ? 'Enable' : 'Disable'} effect={row} request={turn}>
              {disabled ? 'Enable' : 'Disable'}
            </AskButton>
            <AskButton
              title="Enable this, and disable all others"
              effect={row}
              request={() => actions.enable(name, [row.name], true)}
              confirm={{
                title: `Run only ${visible(row.name)}?`,
                text: 'All others are disabled, and their processes are stopped.',
                yes: 'Only this',
              }}
            >
              Only this
            </AskButton>
          </>
        )}
      </div>
      <AskButton
        class="primary trigger"
        keys="t"
        title="Run it once more"
        effect={row}
        reason={fixed || (disabled ? 'It is disabled.' : '')}
        request={trigger}
      >
        {tiltfile ? 'Load again' : 'Trigger'}
      </AskButton>
      {!tiltfile && !image && (
        <button type="button" class="narrow" aria-expanded={open} aria-controls={id} onClick={() => setOpen(!open)}>
          {open ? 'Less' : 'More'}
        </button>
      )}
    </div>
  )
}

function Problem({ row }: { row: Row }) {
  if (row.phase !== 'failed') return null
  const error = row.targets[0]?.state.terminated?.error ?? ''
  const text = lined(error)
  return (
    <div class="problem">
      <strong>{visible(row.why)}</strong>
      {text !== row.why && <pre class="lines">{text}</pre>}
    </div>
  )
}
