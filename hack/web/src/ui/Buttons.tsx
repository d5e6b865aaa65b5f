// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useState } from 'preact/hooks'
import type { UIButton } from '../api/types'
import { useApp } from '../app'
import type { Row } from '../model/rows'
import { href } from '../router'
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

/** How long the page says that a button was pressed, in ms: long enough to follow the link. */
const spoken = 10_000

function Button({ button }: { button: UIButton }) {
  const { actions } = useApp()
  const [open, setOpen] = useState(false)
  const [pressed, setPressed] = useState(0)
  const press = async (inputs: Record<string, string | boolean>) => {
    await actions.press(button, inputs)
    setPressed((n) => n + 1)
  }
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
        {open && <Form button={button} press={press} close={() => setOpen(false)} />}
        <Pressed title={title} times={pressed} />
      </>
    )
  }
  return (
    <>
      <AskButton
        request={() => press({})}
        reason={reason}
        confirm={requiresConfirmation ? { title: `${title}?`, text: 'It starts its commands.', yes: title } : undefined}
      >
        {title}
      </AskButton>
      <Pressed title={title} times={pressed} />
    </>
  )
}

/**
 * Pressed says for some seconds that a button was pressed. Its commands write to the log of a resource or to that of
 * the Tiltfile, and the API doesn't say to which: the log of the Session has both.
 */
function Pressed({ title, times }: { title: string; times: number }) {
  const { name: session } = useShown()
  const [said, setSaid] = useState(0)
  useEffect(() => {
    const timer = setTimeout(() => setSaid(times), spoken)
    return () => clearTimeout(timer)
  }, [times])
  return (
    <span role="status">
      {times > said && (
        <span key={times} class="row">
          {title} pressed <a href={href({ session, view: 'log' })}>Log</a>
        </span>
      )}
    </span>
  )
}

type Input = NonNullable<UIButton['spec']['inputs']>[number]

interface FormProps {
  button: UIButton
  press(inputs: Record<string, string | boolean>): Promise<void>
  close(): void
}

function Form({ button, press, close }: FormProps) {
  const { asked, refusal, ask } = useAsking()
  const { text, inputs = [] } = button.spec
  const seen = inputs.filter((input) => !input.hidden)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const values: Record<string, string | boolean> = {}
    for (const { name, bool } of seen) values[name] = bool ? form.has(name) : String(form.get(name) ?? '')
    ask(async () => {
      await press(values)
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
