// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import type { UIButton } from '../api/types'
import { useApp } from '../app'
import type { Row } from '../model/rows'
import { AskButton, useAsking } from './Ask'
import { Dialog } from './Dialog'
import { useShown } from './session'
import { visible } from './text'

/** ResourceButtons are the buttons that the Tiltfile puts at a resource. */
export function ResourceButtons({ row }: { row: Row }) {
  const { buttons } = useShown()
  const object = row.resource?.metadata.name
  const of = [...buttons.values()].filter(({ spec: { location } }) => {
    return (
      location.componentType === 'Resource' && (location.componentID === object || location.componentID === row.name)
    )
  })
  return <List buttons={of} />
}

/** GlobalButtons are those that the Tiltfile puts at the Session. */
export function GlobalButtons() {
  const { buttons } = useShown()
  return <List buttons={[...buttons.values()].filter(({ spec }) => spec.location.componentType === 'Global')} />
}

function List({ buttons }: { buttons: UIButton[] }) {
  return (
    <>
      {buttons.map((button) => (
        <Button key={button.metadata.name} button={button} />
      ))}
    </>
  )
}

function Button({ button }: { button: UIButton }) {
  const { actions } = useApp()
  const [open, setOpen] = useState(false)
  const { text, disabled, requiresConfirmation, inputs = [] } = button.spec
  const reason = disabled ? 'The Tiltfile has disabled it.' : ''
  const asksFor = inputs.some((input) => !input.hidden)
  const title = visible(text)
  if (asksFor) {
    return (
      <>
        <AskButton request={async () => setOpen(true)} reason={reason}>
          {title}…
        </AskButton>
        {open && <Form button={button} close={() => setOpen(false)} />}
      </>
    )
  }
  return (
    <AskButton
      request={() => actions.press(button, {})}
      effect={button.status}
      reason={reason}
      confirm={requiresConfirmation ? { title: `${title}?`, text: 'It starts its commands.', yes: title } : undefined}
    >
      {title}
    </AskButton>
  )
}

type Input = NonNullable<UIButton['spec']['inputs']>[number]

function Form({ button, close }: { button: UIButton; close(): void }) {
  const { actions } = useApp()
  const { asked, refusal, ask } = useAsking()
  const { text, inputs = [] } = button.spec
  const seen = inputs.filter((input) => !input.hidden)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const values: Record<string, string | boolean> = {}
    for (const { name, bool } of seen) values[name] = bool ? form.has(name) : String(form.get(name) ?? '')
    ask(async () => {
      await actions.press(button, values)
      close()
    })
  }
  return (
    <Dialog title={visible(text)} close={close}>
      <form onSubmit={submit}>
        <div class="body">
          {seen.map((input) => (
            <Field
              key={input.name}
              input={input}
              before={button.status.inputs?.find(({ name }) => name === input.name)}
            />
          ))}
          {refusal && (
            <p class="refusal" role="alert">
              {refusal}
            </p>
          )}
        </div>
        <footer>
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {asked ? 'asked…' : visible(text)}
          </button>
        </footer>
      </form>
    </Dialog>
  )
}

type Before = NonNullable<UIButton['status']['inputs']>[number] | undefined

/** Field is one input. It begins with what was given last, else with the default. */
function Field({ input, before }: { input: Input; before: Before }) {
  const { name, label, text, bool, choice } = input
  const title = visible(label || name)
  if (bool) {
    return (
      <label class="check">
        <input type="checkbox" name={name} defaultChecked={before?.bool?.value ?? bool.defaultValue ?? false} />
        {title}
      </label>
    )
  }
  if (choice) {
    return (
      <label class="field">
        <span>{title}</span>
        <select name={name} defaultValue={before?.choice?.value ?? choice.choices?.[0] ?? ''}>
          {(choice.choices ?? []).map((value) => (
            <option key={value} value={value}>
              {visible(value)}
            </option>
          ))}
        </select>
      </label>
    )
  }
  return (
    <label class="field">
      <span>{title}</span>
      <input
        type="text"
        name={name}
        autocomplete="off"
        defaultValue={before?.text?.value ?? text?.defaultValue ?? ''}
        placeholder={text?.placeholder ?? ''}
      />
    </label>
  )
}
