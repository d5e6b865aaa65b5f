// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useMemo, useState } from 'preact/hooks'
import { useApp } from '../app'
import { looks } from '../model/phase'
import { go, type View } from '../router'
import { settings } from '../settings'
import { Dialog } from './Dialog'
import type { Open } from './Dialogs'
import { best } from './fuzzy'
import { actsOn, type Shown, switchable } from './session'
import { visible } from './text'

interface Props {
  shown: Shown | undefined
  close(): void
  open(dialog: Open): void
}

interface Item {
  text: string
  kind: string
  sign?: string
  tone?: string
  run(): unknown
}

const limit = 12

/** Palette goes to any resource, and does any action, by some characters of its name. */
export function Palette({ shown, close, open }: Props) {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const [refusal, setRefusal] = useState('')
  const all = useItems(shown, open)
  const list = useMemo(() => best(query, all, (item) => item.text, limit), [query, all])
  const run = async (item: Item | undefined) => {
    if (!item) return
    try {
      const asked = item.run()
      if (asked instanceof Promise) await asked
      if (asked !== stays) close()
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error))
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && list.length > 0) setAt((at + step + list.length) % list.length)
    else if (event.key === 'Enter') run(list[at])
    else return
    event.preventDefault()
  }
  return (
    <Dialog title="Go to" close={close} class="palette">
      <div class="body">
        <input
          type="text"
          role="combobox"
          aria-label="Resource or action"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-autocomplete="list"
          aria-activedescendant={list[at] ? `palette-${at}` : undefined}
          autocomplete="off"
          spellcheck={false}
          placeholder="Resource or action"
          value={query}
          onInput={(event) => {
            setQuery(event.currentTarget.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
        />
        {refusal && (
          <p class="refusal" role="alert">
            {refusal}
          </p>
        )}
        <div id="palette-list" role="listbox" aria-label="Matches">
          {list.map((item, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above.
            <div
              key={`${item.kind} ${item.text}`}
              id={`palette-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              onClick={() => run(item)}
            >
              <span class={`state ${item.tone ?? ''}`} aria-hidden="true">
                {item.sign ?? ''}
              </span>
              <span class="cut">{item.text}</span>
              <span class="muted">{item.kind}</span>
            </div>
          ))}
        </div>
        {list.length === 0 && <p class="muted">Nothing has these characters in this order.</p>}
      </div>
    </Dialog>
  )
}

const stays = Symbol('the dialog is replaced by another one')

const views: ReadonlyArray<readonly [View, string]> = [
  ['table', 'Table'],
  ['graph', 'Graph'],
  ['timeline', 'Timeline'],
  ['log', 'Log'],
  ['failures', 'Failures'],
  ['tiltfile', 'Tiltfile'],
]

function useItems(shown: Shown | undefined, open: (dialog: Open) => void): Item[] {
  const { state } = useApp()
  const sessions = state.sessions.value
  const acts = useActs(shown)
  return useMemo(() => {
    const dialog = (name: Open) => {
      open(name)
      return stays
    }
    const list: Item[] = []
    if (shown) {
      for (const { name, phase } of shown.rows.list) {
        const { sign, tone } = looks[phase]
        list.push({
          text: visible(name),
          kind: 'resource',
          sign,
          tone,
          run: () => go({ session: shown.name, resource: name }),
        })
      }
      for (const [view, text] of views) list.push({ text, kind: 'view', run: () => go({ session: shown.name, view }) })
      list.push(...acts)
    }
    for (const name of sessions.keys()) {
      list.push({ text: visible(name), kind: 'Session', run: () => go({ session: name }) })
    }
    list.push({ text: 'All Sessions', kind: 'page', run: () => go({ params: { all: '1' } }) })
    list.push({ text: 'Settings', kind: 'page', run: () => dialog('settings') })
    list.push({ text: 'Help and keys', kind: 'page', run: () => dialog('help') })
    for (const theme of ['light', 'dark', 'auto'] as const) {
      const run = () => {
        settings.theme.value = theme
      }
      list.push({ text: `Theme: ${theme}`, kind: 'setting', run })
    }
    return list
  }, [shown, sessions, acts])
}

/** useActs are the actions on each resource that the user may do. */
function useActs(shown: Shown | undefined): Item[] {
  const { actions, state } = useApp()
  const viewOnly = state.user.value?.viewOnly
  return useMemo(() => {
    if (!shown || viewOnly) return []
    const act = (verb: string, name: string, run: () => unknown): Item => ({
      text: `${verb} ${visible(name)}`,
      kind: 'action',
      run,
    })
    const can = new Set(switchable(shown.rows.list))
    return actsOn(shown.rows.list).flatMap((name) => {
      const disabled = shown.rows.byName.get(name)?.phase === 'disabled'
      if (disabled) return [act('Enable', name, () => actions.enable(shown.name, [name]))]
      const list = [act('Trigger', name, () => actions.trigger(shown.name, [name]))]
      if (can.has(name)) list.push(act('Disable', name, () => actions.disable(shown.name, [name])))
      return list
    })
  }, [shown, viewOnly, actions])
}
