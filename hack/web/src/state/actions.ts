// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Body, Client } from '../api/client'
import type { UIButton } from '../api/types'
import { type Actions, RequestError } from './state'

type Inputs = Record<string, string | boolean>

/** requests are the Actions. `out` is called after a logout. */
export function requests(client: Client, now: () => number, out: () => void): Actions {
  const post = async (session: string, subresource: string, body: Body) => {
    const metadata = { name: session }
    await client.write('POST', `${path(session)}/${subresource}`, { ...body, metadata })
  }
  return {
    trigger: (session, resources) => post(session, 'trigger', { kind: 'SessionTrigger', spec: { resources } }),
    enable: (session, resources, only) =>
      post(session, 'enable', { kind: 'SessionEnable', spec: { resources, ...(only && { only }) } }),
    disable: (session, resources) => post(session, 'disable', { kind: 'SessionDisable', spec: { resources } }),
    args: (session, args) => post(session, 'args', { kind: 'SessionArgs', spec: { args } }),
    press: (button, inputs) => press(client, button, inputs, now),
    async create({ name, ...spec }) {
      await client.write('POST', 'sessions', { kind: 'Session', metadata: { name }, spec })
    },
    async remove(session) {
      await client.write('DELETE', path(session))
    },
    async logout() {
      await client.site('POST', 'logout', {})
      out()
    },
  }
}

function path(session: string): string {
  return `sessions/${encodeURIComponent(session)}`
}

/** press writes when the button was pressed. If another has pressed it meanwhile, it is pressed once more. */
async function press(client: Client, button: UIButton, inputs: Inputs, now: () => number): Promise<void> {
  const at = `uibuttons/${encodeURIComponent(button.metadata?.name ?? '')}`
  try {
    await client.write('PUT', `${at}/status`, pressed(button, inputs, now()))
  } catch (error) {
    if (!(error instanceof RequestError) || error.code !== 409 || error.reason !== 'Conflict') throw error
    const latest = (await (await client.get(at)).json()) as UIButton
    await client.write('PUT', `${at}/status`, pressed(latest, inputs, now()))
  }
}

/** pressed is a button that was pressed: its lastClickedAt is later than before, even where clocks differ. */
export function pressed(button: UIButton, inputs: Inputs, now: number): Body & Record<string, unknown> {
  const before = Date.parse(button.status?.lastClickedAt ?? '')
  const at = Number.isNaN(before) ? now : Math.max(now, before + 1)
  const status = {
    lastClickedAt: new Date(at).toISOString().replace('Z', '000Z'),
    inputs: (button.spec?.inputs ?? []).map((input) => ({ name: input.name, ...value(input, inputs[input.name]) })),
  }
  return { ...button, kind: 'UIButton', status }
}

type Input = NonNullable<NonNullable<UIButton['spec']>['inputs']>[number]

function value(input: Input, given: string | boolean | undefined) {
  if (input.bool) return { bool: { value: Boolean(given ?? input.bool.defaultValue) } }
  if (input.hidden) return { hidden: { value: input.hidden.value ?? '' } }
  if (input.choice) return { choice: { value: String(given ?? input.choice.choices?.[0] ?? '') } }
  return { text: { value: String(given ?? input.text?.defaultValue ?? '') } }
}
