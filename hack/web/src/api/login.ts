// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { RequestError } from '../state/state'
import type { Client } from './client'

const key = 'tilt-session.secret'

/** Code is what the fragment of an address has for a login. */
export interface Code {
  code: string
  stay: boolean
  /** The fragment of the route to show. */
  to: string
}

/** codeOf reads a fragment such as "#login=CODE&to=/s/NAME". It is undefined for that of a route. */
export function codeOf(fragment: string): Code | undefined {
  const text = fragment.replace(/^#/, '')
  if (!text.startsWith('login=')) return undefined
  const params = new URLSearchParams(text)
  const to = (params.get('to') ?? '').replace(/^#?/, '#')
  return { code: params.get('login') ?? '', stay: params.get('stay') === 'true', to: to === '#' ? '#/' : to }
}

/** User is who has logged in. */
export interface User {
  name: string
  viewOnly: boolean
}

/** savedSecret is the half of a login that the browser keeps for this tab, or for all. */
export function savedSecret(): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? localStorage.getItem(key) ?? undefined
  } catch {
    return undefined
  }
}

/** saveSecret keeps the half of a login, or forgets it. */
export function saveSecret(secret: string | undefined, stay = false): void {
  try {
    if (!secret) {
      sessionStorage.removeItem(key)
      localStorage.removeItem(key)
      return
    }
    sessionStorage.setItem(key, secret)
    if (stay) localStorage.setItem(key, secret)
  } catch {
    // The login holds for this tab as long as it isn't loaded again.
  }
}

/**
 * login uses a code. It resolves with the secret, or undefined if the server has no logins, and rejects with a
 * RequestError of code 401 if the code isn't valid.
 */
export async function login(client: Client, { code, stay }: Code): Promise<string | undefined> {
  try {
    const answer = await client.site('POST', 'login', { code, stay }, 'login')
    const { secret } = (await json(answer)) as { secret?: unknown }
    return typeof secret === 'string' ? secret : undefined
  } catch (error) {
    if (error instanceof RequestError && noLogins.includes(error.code)) return undefined
    throw error
  }
}

/** whoami resolves with the user of the login: undefined if there is none, "none" if the server has no logins. */
export async function whoami(client: Client): Promise<User | undefined | 'none'> {
  try {
    const told = (await json(await client.site('GET', 'login'))) as {
      login?: unknown
      user?: unknown
      viewOnly?: unknown
    }
    if (typeof told.login !== 'boolean') return 'none'
    return told.login ? { name: String(told.user ?? ''), viewOnly: told.viewOnly === true } : undefined
  } catch (error) {
    if (error instanceof RequestError && noLogins.includes(error.code)) return 'none'
    throw error
  }
}

/** A server of files alone answers so. */
const noLogins = [404, 405, 501]

async function json(answer: Response): Promise<object> {
  try {
    const value: unknown = await answer.json()
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
