// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useApp } from '../app'
import type { Row } from '../model/rows'
import { AskButton } from './Ask'
import { actsOn, switchable, useShown } from './session'
import { plural } from './text'

/** Bulk acts on several rows at once. */
export function Bulk({ rows, clear }: { rows: readonly Row[]; clear(): void }) {
  const { actions } = useApp()
  const { name } = useShown()
  const all = actsOn(rows)
  const can = switchable(rows)
  const none = can.length === 0 ? 'The Tiltfile and images are always enabled.' : ''
  return (
    <section class="bar bulk" aria-label="Actions on the selection">
      <strong>{plural(rows.length, 'resource')} selected</strong>
      <AskButton
        request={() => actions.trigger(name, all)}
        reason={all.length === 0 ? 'Images are built for what uses them.' : ''}
      >
        Trigger
      </AskButton>
      <AskButton request={() => actions.enable(name, can)} reason={none}>
        Enable
      </AskButton>
      <AskButton
        request={() => actions.enable(name, can, true)}
        reason={none}
        title="Enable these, and disable all others"
        confirm={{
          title: `Run only ${plural(can.length, 'resource')}?`,
          text: 'All others are disabled, and their processes are stopped.',
          yes: 'Only these',
        }}
      >
        Only these
      </AskButton>
      <AskButton
        request={() => actions.disable(name, can)}
        reason={none}
        confirm={
          can.length > 1
            ? {
                title: `Disable ${plural(can.length, 'resource')}?`,
                text: 'Their processes are stopped.',
                yes: 'Disable',
                danger: true,
              }
            : undefined
        }
      >
        Disable
      </AskButton>
      <button type="button" class="plain" onClick={clear}>
        Clear the selection
      </button>
    </section>
  )
}
