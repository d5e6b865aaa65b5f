// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef } from 'preact/hooks'
import { settings } from '../settings'

/** Keys are what keys do, by their KeyboardEvent.key. A "g" in front is pressed before. */
export type Keys = Record<string, (event: KeyboardEvent) => void>

const stack: Array<{ current: Keys }> = []
let prefix = 0

/** useKeys binds keys while a component is there. What was bound last comes first. */
export function useKeys(keys: Keys): void {
  const binding = useRefOf(keys)
  useEffect(() => {
    stack.push(binding)
    return () => {
      stack.splice(stack.indexOf(binding), 1)
    }
  }, [binding])
}

function useRefOf(keys: Keys): { current: Keys } {
  const ref = useRef(keys)
  ref.current = keys
  return ref
}

/** typing reports whether a key belongs to what has the focus: a field, an open menu or a dialog. */
export function typing(target: EventTarget | null): boolean {
  return (
    target instanceof Element && !!target.closest('input, textarea, select, [contenteditable], [role=menu], dialog')
  )
}

/**
 * handleKey does what a key is bound to. It leaves everything with a modifier to the browser, and characters to those
 * who have turned them off. first is asked before all bindings.
 */
export function handleKey(event: KeyboardEvent, first: (event: KeyboardEvent) => boolean, now = Date.now()): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return false
  const character = event.key.length === 1
  if (character && !settings.keys.value) return false
  const second = now - prefix < 1500
  prefix = 0
  if (!second) {
    if (first(event)) return done(event)
    if (event.key === 'g') {
      prefix = now
      return done(event)
    }
  }
  const name = second ? `g${event.key}` : event.key
  for (const { current } of [...stack].reverse()) {
    const action = current[name]
    if (!action) continue
    action(event)
    return done(event)
  }
  return false
}

function done(event: KeyboardEvent): true {
  event.preventDefault()
  return true
}
