// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Phase } from '../model/phase'
import { settings } from '../settings'
import { Dialog } from './Dialog'
import { Palette } from './Palette'
import { StateMark } from './State'
import type { Shown } from './session'

export type Open = 'help' | 'settings' | 'palette' | undefined

interface Props {
  open: Open
  setOpen(open: Open): void
  shown: Shown | undefined
}

/** DialogOf is the dialog that is open, if any. */
export function DialogOf({ open, setOpen, shown }: Props) {
  const close = () => setOpen(undefined)
  switch (open) {
    case 'help':
      return <Help close={close} />
    case 'settings':
      return <Settings close={close} />
    case 'palette':
      return <Palette shown={shown} close={close} open={setOpen} />
  }
  return null
}

const help: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string]>]> = [
  [
    'Everywhere',
    [
      ['Ctrl K', 'Go to a resource or an action'],
      ['?', 'This help'],
      ['g t', 'Table'],
      ['g g', 'Graph'],
      ['g l', 'Timeline'],
      ['g m', 'Log'],
      ['Esc', 'Close, or go back'],
    ],
  ],
  [
    'Table',
    [
      ['/', 'Filter'],
      ['j k ↓ ↑', 'Next, previous'],
      ['Enter', 'Open'],
      ['t', 'Trigger'],
      ['e', 'Enable or disable'],
      ['1 … 9', 'Open a link'],
    ],
  ],
  [
    'Log',
    [
      ['/', 'Filter'],
      ['f', 'Find'],
      ['n N', 'Next, previous match'],
      ['End', 'Follow'],
      ['w', 'Wrap lines'],
      ['z', 'Timestamps'],
      ['c', 'Copy the selected lines'],
    ],
  ],
]

const phases: readonly Phase[] = ['succeeded', 'ready', 'active', 'waiting', 'failed', 'disabled', 'inactive']

function Help({ close }: { close(): void }) {
  return (
    <Dialog title="Help" close={close} class="help">
      <div class="body">
        {!settings.keys.value && <p>Keys without a modifier are off. The settings turn them on.</p>}
        <div class="sheets">
          {help.map(([title, keys]) => (
            <section key={title}>
              <h3>{title}</h3>
              <dl>
                {keys.map(([key, text]) => (
                  <div key={key}>
                    <dt>
                      {key.split(' ').map((part) => (
                        <kbd key={part}>{part}</kbd>
                      ))}
                    </dt>
                    <dd>{text}</dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
        <p class="row signs">
          {phases.map((phase) => (
            <StateMark key={phase} phase={phase} />
          ))}
        </p>
      </div>
    </Dialog>
  )
}

function Settings({ close }: { close(): void }) {
  return (
    <Dialog title="Settings" close={close}>
      <div class="body">
        <Choice
          label="Theme"
          value={settings.theme.value}
          set={(value) => {
            settings.theme.value = value
          }}
          options={[
            ['auto', 'As the system'],
            ['light', 'Light'],
            ['dark', 'Dark'],
          ]}
        />
        <Choice
          label="Times in logs"
          value={settings.timestamps.value}
          set={(value) => {
            settings.timestamps.value = value
          }}
          options={[
            ['off', 'None'],
            ['clock', 'Clock'],
            ['start', 'Since the start of the run'],
            ['previous', 'Since the line before'],
          ]}
        />
        <Check label="Wrap long lines of logs" setting={settings.wrap} />
        <Check label="Keys without a modifier, such as t for trigger" setting={settings.keys} />
        <Notifications />
        <p class="muted">These settings are kept in this browser.</p>
      </div>
    </Dialog>
  )
}

interface ChoiceProps<T extends string> {
  label: string
  value: T
  set(value: T): void
  options: ReadonlyArray<readonly [T, string]>
}

function Choice<T extends string>({ label, value, set, options }: ChoiceProps<T>) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value as T)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

function Check({ label, setting }: { label: string; setting: { value: boolean } }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={setting.value}
        onChange={(event) => {
          setting.value = event.currentTarget.checked
        }}
      />
      {label}
    </label>
  )
}

/** Notifications are asked for by a button alone. */
function Notifications() {
  if (typeof Notification === 'undefined') return null
  const denied = Notification.permission === 'denied'
  const on = settings.notify.value && Notification.permission === 'granted'
  const turn = async () => {
    settings.notify.value = !on && (await Notification.requestPermission()) === 'granted'
  }
  return (
    <div class="field">
      <span>Notifications</span>
      <small>Of failures, recoveries and the end of a run, while this page isn't visible.</small>
      <div class="row">
        <button type="button" aria-pressed={on} onClick={turn}>
          {on ? 'Turn off' : 'Turn on'}
        </button>
        {denied && <span class="muted">The browser doesn't allow them for this page.</span>}
      </div>
    </div>
  )
}
