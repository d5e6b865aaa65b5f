// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Glyph } from './Glyph'

interface Props {
  title: string
  close(): void
  class?: string
  children: ComponentChildren
}

/** Dialog is open while it is rendered. The focus returns to what had it before. */
export function Dialog({ title, close, class: name, children }: Props) {
  const id = useId()
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    ref.current?.showModal()
    ref.current?.querySelector<HTMLElement>('.body :is(input, select, textarea)')?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes a dialog.
    <dialog
      ref={ref}
      class={name}
      aria-labelledby={id}
      onClose={close}
      onClick={(event) => event.target === ref.current && close()}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="plain icon" aria-label="Close" title="Close (Esc)" onClick={close}>
          <Glyph name="close" />
        </button>
      </header>
      {children}
    </dialog>
  )
}

interface ConfirmProps {
  title: string
  text: string
  yes: string
  danger?: boolean
  close(): void
  confirm(): void
}

/** Confirm asks before something happens. */
export function Confirm({ title, text, yes, danger, close, confirm }: ConfirmProps) {
  return (
    <Dialog title={title} close={close}>
      <div class="body">
        <p class="wraps">{text}</p>
      </div>
      <footer>
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button
          type="button"
          class={danger ? 'danger' : 'primary'}
          onClick={() => {
            close()
            confirm()
          }}
        >
          {yes}
        </button>
      </footer>
    </Dialog>
  )
}
