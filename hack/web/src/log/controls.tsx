// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef, useState } from 'preact/hooks'

interface FieldProps {
  label: string
  value: string
  placeholder?: string
  /** Why the value isn't valid. */
  error?: string | undefined
  onValue(value: string): void
  focus?: boolean
  onKey?(event: KeyboardEvent): void
}

/** How long the user doesn't type before a value is used, in ms. */
const pause = 100

/** Field is a field for text, which reports its value when the user pauses. It never waits for what that leads to. */
export function Field({ label, value, placeholder, error, onValue, focus, onKey }: FieldProps) {
  const [typed, setTyped] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const reported = useRef(value)
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (value !== reported.current) setTyped(value)
    reported.current = value
  }, [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  useEffect(() => {
    if (focus) input.current?.select()
  }, [focus])
  const report = (text: string) => {
    clearTimeout(timer.current)
    if (text === reported.current) return
    reported.current = text
    onValue(text)
  }
  return (
    <label class="log-field">
      <span>{label}</span>
      <input
        ref={input}
        type="text"
        value={typed}
        placeholder={placeholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-invalid={error ? 'true' : undefined}
        title={error}
        onInput={(event) => {
          const text = event.currentTarget.value
          setTyped(text)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => report(text), pause)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') report(event.currentTarget.value)
          onKey?.(event)
        }}
      />
    </label>
  )
}

interface ChoiceProps {
  label: string
  value: string
  options: readonly (readonly [value: string, text: string])[]
  onValue(value: string): void
}

/** Choice is one value of several. */
export function Choice({ label, value, options, onValue }: ChoiceProps) {
  return (
    <label class="log-field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option} selected={option === value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  )
}

interface ToggleProps {
  text: string
  title: string
  pressed: boolean
  onPress(): void
}

/** Toggle is a button that is on or off. */
export function Toggle({ text, title, pressed, onPress }: ToggleProps) {
  return (
    <button type="button" class="log-button" aria-pressed={pressed} title={title} onClick={onPress}>
      {text}
    </button>
  )
}
