// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { useApp } from '../app'
import { go } from '../router'
import { useAsking, useReason } from './Ask'
import { Confirm } from './Dialog'
import { Glyph } from './Glyph'
import { Menu } from './Menu'
import { deletion } from './Sessions'
import { switchable, useShown } from './session'
import { plural } from './text'

/** SessionMenu are the actions on the Session as a whole. */
export function SessionMenu() {
  const { actions } = useApp()
  const { name, rows } = useShown()
  const { asked, refusal, ask } = useAsking()
  const [asks, setAsks] = useState<'disable' | 'delete'>()
  const reason = useReason()
  const names = switchable(rows.list)
  const disabled = names.filter((n) => rows.byName.get(n)?.phase === 'disabled')
  const close = () => setAsks(undefined)
  const item = (text: string, run: () => void, why = '') => (
    <button
      type="button"
      role="menuitem"
      aria-disabled={reason || why ? true : undefined}
      onClick={(event) => {
        if (reason || why) event.stopPropagation()
        else run()
      }}
    >
      {text}
      {why && <small class="muted">{why}</small>}
    </button>
  )
  return (
    <div class="actions">
      {refusal && (
        <span class="refusal" role="alert">
          {refusal}
        </span>
      )}
      <Menu
        label="Actions of the Session"
        class="plain"
        button={
          <>
            <span class="wide">{asked ? 'asked…' : 'Actions'}</span>
            <Glyph name="more" />
          </>
        }
      >
        {reason && <div class="about muted">{reason}</div>}
        {item('Load the Tiltfile again', () => ask(() => actions.trigger(name, ['(Tiltfile)'])))}
        {item('Change arguments…', () => go({ session: name, view: 'tiltfile', params: { args: '1' } }))}
        {item(
          'Enable all',
          () => ask(() => actions.enable(name, disabled)),
          disabled.length === 0 ? 'all are enabled' : '',
        )}
        {item('Disable all…', () => setAsks('disable'), names.length === disabled.length ? 'all are disabled' : '')}
        {item('Delete the Session…', () => setAsks('delete'))}
      </Menu>
      {asks === 'disable' && (
        <Confirm
          title="Disable all resources?"
          text={`The processes of ${plural(names.length - disabled.length, 'resource')} are stopped.`}
          yes="Disable all"
          danger
          close={close}
          confirm={() => ask(() => actions.disable(name, names))}
        />
      )}
      {asks === 'delete' && (
        <Confirm {...deletion(name)} close={close} confirm={() => ask(() => actions.remove(name))} />
      )}
    </div>
  )
}
