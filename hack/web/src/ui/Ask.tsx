// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { useApp } from '../app'
import { RequestError } from '../state/state'
import { Confirm } from './Dialog'

/** refusalText is why a request was refused, for people. */
export function refusalText(error: unknown): string {
  if (!(error instanceof RequestError)) return error instanceof Error ? error.message : String(error)
  switch (error.code) {
    case 0:
      return `The server doesn't answer: ${error.message}`
    case 403:
      return `You may not do this: ${error.message}`
    case 404:
      return `It isn't there any more: ${error.message}`
  }
  return error.message
}

/** Asking is a request that was made, until its effect is seen. */
export interface Asking {
  /** The request is on its way, or its effect isn't seen yet. */
  asked: boolean
  refusal: string
  ask(request: () => Promise<unknown>): void
}

/** How long "asked…" stays if nothing is seen of the request, in ms. */
const patience = 3000

/** useAsking makes requests. effect is what changes once one has its effect; undefined if nothing does. */
export function useAsking(effect?: unknown): Asking {
  const [asked, setAsked] = useState(false)
  const [refusal, setRefusal] = useState('')
  const alive = useRef(true)
  const timer = useRef(0)
  useEffect(
    () => () => {
      alive.current = false
      clearTimeout(timer.current)
    },
    [],
  )
  useEffect(() => setAsked(false), [effect])
  const ask = (request: () => Promise<unknown>) => {
    if (asked) return
    setAsked(true)
    setRefusal('')
    request().then(
      () => {
        if (!alive.current) return
        if (effect === undefined) setAsked(false)
        else timer.current = window.setTimeout(() => setAsked(false), patience)
      },
      (error) => {
        if (!alive.current) return
        setAsked(false)
        setRefusal(refusalText(error))
      },
    )
  }
  return { asked, refusal, ask }
}

/** useReason is why the user may change nothing, empty if they may. */
export function useReason(): string {
  return useApp().state.user.value?.viewOnly ? 'Your login may look, and change nothing.' : ''
}

interface Props {
  children: ComponentChildren
  request(): Promise<unknown>
  effect?: unknown
  label?: string | undefined
  title?: string | undefined
  class?: string | undefined
  keys?: string | undefined
  /** Why it can't be pressed. */
  reason?: string | undefined
  confirm?: { title: string; text: string; yes: string; danger?: boolean } | undefined
}

/** AskButton makes a request. What it answers is a text beside the button; that it was done is seen elsewhere. */
export function AskButton({ children, request, effect, label, title, class: name, keys, reason, confirm }: Props) {
  const id = useId()
  const { asked, refusal, ask } = useAsking(effect)
  const [asks, setAsks] = useState(false)
  const viewer = useReason()
  const why = viewer || reason
  const press = () => {
    if (why) return
    if (confirm) setAsks(true)
    else ask(request)
  }
  return (
    <>
      <button
        type="button"
        class={name}
        title={why || (keys ? `${title ?? label ?? ''} (${keys})`.trim() : title)}
        aria-label={label}
        aria-disabled={why ? true : undefined}
        aria-busy={asked}
        aria-keyshortcuts={keys}
        aria-describedby={why || refusal ? id : undefined}
        onClick={press}
      >
        {asked ? 'asked…' : children}
      </button>
      {why && (
        <span id={id} class="hidden-text">
          {why}
        </span>
      )}
      {refusal && !why && (
        <span id={id} class="refusal" role="alert">
          {refusal}
        </span>
      )}
      {asks && confirm && <Confirm {...confirm} close={() => setAsks(false)} confirm={() => ask(request)} />}
    </>
  )
}

/** ViewOnly says once on a page why its controls are disabled. */
export function ViewOnly() {
  const reason = useReason()
  return reason ? <span class="muted">{reason}</span> : null
}
