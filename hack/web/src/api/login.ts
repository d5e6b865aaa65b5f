// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { RequestError } from '../state/state'
import type { Client } from './client'

const key = 'tilt-session.secret'

/** Code is what the fragment of an address has for a login. */
export interface Code {
  code: string
  /** The fragment of the route to show. */
  to: string
}

/** codeOf reads a fragment such as "#login=CODE&to=/s/NAME". It is undefined for that of a route. */
export function codeOf(fragment: string): Code | undefined {
  const text = fragment.replace(/^#/, '')
  if (!text.startsWith('login=')) return undefined
  const params = new URLSearchParams(text)
  const to = (params.get('to') ?? '').replace(/^#?/, '#')
  return { code: params.get('login') ?? '', to: to === '#' ? '#/' : to }
}

/** User is who has logged in. */
export interface User {
  name: string
  viewOnly: boolean
}

/**
 * savedSecret is the half of a login that all tabs of the browser share. The other half is a cookie, which they share
 * as well, and which the browser forgets at its end.
 */
export function savedSecret(): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined
  } catch {
    return undefined
  }
}

/** saveSecret keeps the half of a login for all tabs, or forgets it. */
export function saveSecret(secret: string | undefined): void {
  try {
    if (secret) localStorage.setItem(key, secret)
    else localStorage.removeItem(key)
  } catch {
    // The login holds for this tab as long as it isn't loaded again.
  }
}

/** onOtherSecret calls something when another tab has logged in or out. */
export function onOtherSecret(changed: (secret: string | undefined) => void): void {
  addEventListener('storage', (event: Event) => {
    const stored = (event as StorageEvent).key
    if (stored === key || stored === null) changed(savedSecret())
  })
}

/**
 * login uses a code and keeps the secret, one tab after the other, so that the cookie is of the same login. It rejects
 * with a RequestError, of code 401 if the code isn't valid.
 */
export async function login(client: Client, code: string): Promise<string> {
  const run = async () => {
    const { secret } = (await json(await client.site('POST', 'login', { code }, 'login'))) as { secret?: unknown }
    if (typeof secret !== 'string') throw new RequestError(0, 'Unknown', 'the server has no logins')
    saveSecret(secret)
    return secret
  }
  const locks = globalThis.navigator?.locks as LockManager | undefined
  return locks ? locks.request('tilt-session-login', run) : run()
}

/** whoami resolves with the user of the login, undefined if it has ended. */
export async function whoami(client: Client): Promise<User | undefined> {
  const told = (await json(await client.site('GET', 'login'))) as {
    login?: unknown
    user?: unknown
    viewOnly?: unknown
  }
  return told.login === true ? { name: String(told.user ?? ''), viewOnly: told.viewOnly === true } : undefined
}

async function json(answer: Response): Promise<object> {
  try {
    const value: unknown = await answer.json()
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
