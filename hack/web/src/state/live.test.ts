// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// @vitest-environment happy-dom
import { effect } from '@preact/signals'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { App } from '../app'
import { route } from '../router'
import { createApp } from './live'

const secrets = new Map([['GOOD', 'secret-1']])
let requests: { method: string; path: string; secret: string | null; fragment: string }[] = []

/** serve answers as the server does whose logins are `secrets`, or as one of files if it has none. */
async function serve(url: URL, init: RequestInit, logins: boolean): Promise<Response> {
  const headers = new Headers(init.headers)
  const secret = headers.get('X-Tilt-Session')
  requests.push({ method: init.method ?? 'GET', path: url.pathname + url.search, secret, fragment: location.hash })
  const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status })
  const known = !logins || secret === 'secret-1'
  if (url.pathname.endsWith('/ui/login')) {
    if (!logins) return new Response('404 page not found', { status: 404 })
    if (init.method !== 'POST') return json(known ? { login: true, user: 'owner', viewOnly: false } : { login: false })
    const { code } = JSON.parse(String(init.body)) as { code: string }
    const granted = secrets.get(code)
    return granted ? json({ secret: granted, user: 'owner', viewOnly: false }) : json({ message: 'no' }, 401)
  }
  if (url.pathname.endsWith('/ui/logout')) return new Response(null, { status: 204 })
  if (!known) return json({ kind: 'Status', code: 401, message: 'not logged in' }, 401)
  if (url.searchParams.get('watch')) return new Response(new ReadableStream())
  const metadata = { name: 'ci', uid: 'u', resourceVersion: '1' }
  const items = url.pathname.endsWith('/sessions') ? [{ metadata, status: { targets: [], done: true } }] : []
  return json({ metadata: { resourceVersion: '1' }, items })
}

function open(fragment: string, logins = true): App {
  location.href = `http://127.0.0.1:10350/prefix/ui/${fragment}`
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => serve(url, init, logins))
  return createApp()
}

/** until waits for a condition on signals. */
function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let done = false
    const end = effect(() => {
      if (!condition() || done) return
      done = true
      queueMicrotask(() => {
        end()
        resolve()
      })
    })
  })
}

beforeEach(() => {
  requests = []
})

afterEach(() => {
  vi.unstubAllGlobals()
  localStorage.clear()
  dispatchEvent(new Event('pagehide'))
})

// First: the App of each test listens for codes in the address as long as the page is there.
test('a wrong code is said, and a later one in the same tab logs in', async () => {
  const { state } = open('#login=WRONG')
  await until(() => state.link.value.state === 'login')
  expect(state.link.value).toMatchObject({ state: 'login', reason: expect.stringContaining('it works once') })
  location.hash = '#login=GOOD'
  dispatchEvent(new Event('hashchange'))
  await until(() => state.link.value.state === 'live')
})

test('a code logs in, leaves the address at once, and the page shows its route', async () => {
  const { state } = open('#login=GOOD&to=/s/ci')
  expect(location.hash).toBe('#/s/ci')
  expect(route.value.session).toBe('ci')
  await until(() => state.link.value.state === 'live' && state.user.value !== undefined)
  expect(state.user.value).toEqual({ name: 'owner', viewOnly: false })
  expect([...state.sessions.value.keys()]).toEqual(['ci'])
  expect(localStorage.getItem('tilt-session.secret')).toBe('secret-1')
  expect(requests[0]).toEqual({ method: 'POST', path: '/prefix/ui/login', secret: 'login', fragment: '#/s/ci' })
  const others = requests.slice(1)
  expect(others.every(({ secret, fragment }) => secret === 'secret-1' && fragment === '#/s/ci')).toBe(true)
  expect(others.map(({ path }) => path)).toContain('/prefix/apis/tilt.dev/v1alpha1/sessions')
})

test('without a login the page says what to run', async () => {
  const { state } = open('#/')
  await until(() => state.link.value.state === 'login')
  expect(state.link.value).toMatchObject({ reason: 'This browser is not logged in.' })
  expect(state.user.value).toBeUndefined()
})

test('a server without logins needs none', async () => {
  const { state } = open('#/', false)
  await until(() => state.link.value.state === 'live')
  expect(state.user.value).toBeUndefined()
  expect(requests.every(({ secret }) => secret === null)).toBe(true)
  expect(requests.some(({ path }) => path.includes('/ui/'))).toBe(false)
})

test('a logout ends the login', async () => {
  const { state, actions } = open('#login=GOOD')
  await until(() => state.link.value.state === 'live')
  expect(localStorage.getItem('tilt-session.secret')).toBe('secret-1')
  await actions.logout()
  await until(() => state.link.value.state === 'login')
  expect(localStorage.getItem('tilt-session.secret')).toBeNull()
})

test('a login in another tab is used, and its end', async () => {
  localStorage.setItem('tilt-session.secret', 'secret-1')
  const { state } = open('#/')
  await until(() => state.user.value !== undefined && state.link.value.state === 'live')
  const other = (secret?: string) => {
    if (secret) localStorage.setItem('tilt-session.secret', secret)
    else localStorage.removeItem('tilt-session.secret')
    dispatchEvent(Object.assign(new Event('storage'), { key: 'tilt-session.secret' }))
  }
  const before = requests.length
  other('secret-2')
  await until(() => state.link.value.state === 'login')
  expect(requests.slice(before).every(({ secret }) => secret === 'secret-2')).toBe(true)
  expect(state.link.value).toMatchObject({ reason: expect.stringContaining('The login has ended') })
  const reload = vi.spyOn(location, 'reload').mockImplementation(() => {})
  other('secret-1')
  expect(reload).toHaveBeenCalled()
  other()
  expect(state.user.value).toBeUndefined()
})

test('a server that cannot be asked with a code is named', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no')))
  location.href = 'http://127.0.0.1:10350/ui/#login=GOOD'
  const { state } = createApp()
  await until(() => state.link.value.state === 'stale')
  vi.stubGlobal('fetch', (url: URL, init: RequestInit) => serve(url, init, true))
  dispatchEvent(new Event('online'))
  await until(() => state.link.value.state === 'login')
  expect(state.link.value).toMatchObject({ reason: expect.stringContaining('The login has failed: there is no con') })
})
