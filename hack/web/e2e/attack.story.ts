// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { browser, profile, refused } from './harness/browser'
import { login } from './harness/login'
import { eventually } from './harness/run'
import { type Server, up, world } from './harness/server'
import { site } from './harness/site'
import { ready } from './harness/view'

const tiltfile = `
local_resource('job', 'echo run >> runs; echo a line of the log')
`

/** runs is how often the job of the Tiltfile has run. */
function runs(server: Server): number {
  return readFileSync(join(server.world.directory, 'runs'), 'utf8').split('\n').length - 1
}

/** harmless fails if the job has run more often than it is asked to here. */
async function harmless(server: Server): Promise<void> {
  for (const count of [2, 3]) {
    await server.tilt('trigger', 'job')
    await eventually('the job runs', () => runs(server) >= count)
  }
  expect(runs(server)).toBe(3)
}

const api = (server: Server, path = '') => `http://127.0.0.1:${server.port}/apis/tilt.dev/v1alpha1/sessions${path}`

for (const host of ['127.0.0.1', 'localhost']) {
  test(`a page of another port of ${host} can neither read nor change anything`, async () => {
    const server = await up(world(), tiltfile)
    const own = await profile()
    own.expect(refused)
    own.expect(/blocked by CORS|Refused to|ERR_BLOCKED|frame-ancestors|violates/)
    await ready(await own.open(await server.login()), 'job')
    await eventually('the job has run', () => runs(server) === 1)

    const trigger = api(server, '/Tiltfile/trigger')
    const body = JSON.stringify({
      apiVersion: 'tilt.dev/v1alpha1',
      kind: 'SessionTrigger',
      spec: { resources: ['job'] },
    })
    const attacker = await site({
      '/form': `<form method=post enctype=text/plain action="${trigger}">
        <input name='${body.slice(0, -1)},"x":"' value='"}'></form><script>document.forms[0].submit()</script>`,
      '/frame': `<iframe src="${server.page}" width=400 height=400></iframe>`,
      '/tags': `<script src="${api(server, '/Tiltfile/log')}"></script><img src="${api(server, '/Tiltfile/log')}">
        <link rel=stylesheet href="${api(server)}">`,
      '/empty': '<p>nothing</p>',
    })

    const form = await own.context.newPage()
    const posted = form.waitForResponse(trigger)
    await form.goto(attacker.at('/form', host))
    expect((await posted).status()).toBe(403)

    const frame = await own.context.newPage()
    await frame.goto(attacker.at('/frame', host))
    await eventually('the frame is refused', () => frame.frames()[1]?.url() === 'chrome-error://chromewebdata/')

    const tags = await own.context.newPage()
    const answers: string[] = []
    const toServer = (address: string) => address.startsWith(api(server))
    tags.on('response', (each) => toServer(each.url()) && answers.push(String(each.status())))
    // Chromium gives the page no answer of another site that isn't what the tag asks for.
    tags.on('requestfailed', (each) => toServer(each.url()) && answers.push(each.failure()?.errorText ?? ''))
    await tags.goto(attacker.at('/tags', host))
    await eventually('the tags are answered', () => answers.length >= 3)
    expect(answers.filter((each) => each !== '403' && !each.includes('BLOCKED'))).toEqual([])

    const reader = await own.context.newPage()
    await reader.goto(attacker.at('/empty', host))
    for (const address of [api(server), api(server, '/Tiltfile/log'), `http://127.0.0.1:${server.port}/ui/login`]) {
      expect(await read(reader, address, { credentials: 'include' })).toBe('refused')
      expect(await read(reader, address, { credentials: 'include', mode: 'no-cors' })).toBe('refused')
    }
    for (const mode of ['cors', 'no-cors'] as const) {
      await read(reader, trigger, { method: 'POST', credentials: 'include', mode, body })
    }
    const header = { 'X-Tilt-Session': 'x', 'Content-Type': 'application/json' }
    expect(await read(reader, trigger, { method: 'POST', credentials: 'include', headers: header, body })).toBe(
      'refused',
    )
    await harmless(server)
  })
}

/** read is the text that a page gets of an address, "refused" if it gets none. */
function read(page: Page, address: string, init: RequestInit): Promise<string> {
  return page.evaluate(
    ([url, options]) =>
      fetch(url, options).then(
        (response) => response.text(),
        () => 'refused',
      ),
    [address, init] as const,
  )
}

test('an app at another port gets the cookie, which is worth nothing', async () => {
  const server = await up(world(), tiltfile)
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await server.login())
  await ready(page, 'job')
  const name = `tilt-session-${server.port}`
  const [cookie] = (await own.context.cookies()).filter((each) => each.name === name)
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/', secure: false, domain: '127.0.0.1' })

  const app = await site({ '/': '<p>an app</p>' })
  const other = await own.context.newPage()
  await other.goto(app.at('/'))
  const sent = app.requests[0]?.headers.cookie ?? ''
  expect(sent).toContain(`${name}=${cookie?.value}`)
  const stolen = await fetch(api(server), { headers: { cookie: sent } })
  expect(stolen.status).toBe(401)
  expect(await other.evaluate(() => document.cookie)).not.toContain(name)
  expect(await other.evaluate(() => sessionStorage.length + localStorage.length)).toBe(0)
})

test('an app at another port replaces the cookie by that of its own login: the page gets nothing of it', async () => {
  const server = await up(world(), tiltfile)
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await server.login())
  await ready(page, 'job')
  const before = await login(page)
  await eventually('the job has run', () => runs(server) === 1)

  const attacker = await profile()
  const foreign = await attacker.open(await server.login('--view-only'))
  await ready(foreign, 'job')
  const planted = (await login(foreign)).cookie
  const app = await site({ '/': '<p>an app</p>' }, { 'Set-Cookie': `${planted}; Path=/; HttpOnly` })
  const other = await own.context.newPage()
  await other.goto(app.at('/'))
  expect((await login(page)).cookie).toBe(planted)

  // The halves of two logins are none.
  const answered = page.waitForResponse(api(server, '/Tiltfile/trigger'))
  await page.getByRole('button', { name: 'Trigger job' }).click()
  expect((await answered).status()).toBe(401)
  await page.reload()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  expect(runs(server)).toBe(1)
  // The login itself goes on, and so does the page after a new one.
  expect((await fetch(api(server), { headers: before })).status).toBe(200)
  await page.goto(await server.login())
  await page.getByRole('button', { name: 'Trigger job' }).click()
  await eventually('the job runs again', () => runs(server) === 2)
})

test('another name for this machine gets nothing (DNS rebinding)', async () => {
  const server = await up(world(), tiltfile)
  const evil = await browser('--host-resolver-rules=MAP evil.test 127.0.0.1')
  const own = await profile({}, evil)
  own.expect(refused)
  own.expect(/evil\.test/)
  const page = await own.context.newPage()
  for (const path of ['/ui/', '/ui/login', '/apis/tilt.dev/v1alpha1/sessions', '/version', '/']) {
    const response = await page.goto(`http://evil.test:${server.port}${path}`)
    expect(response?.status(), path).toBe(421)
    expect(response?.headers()['set-cookie'], path).toBeUndefined()
  }
})

test('a code is good once, and the page says so', async () => {
  const server = await up(world(), tiltfile)
  const address = await server.login()
  const first = await profile()
  const page = await first.open(address)
  await ready(page, 'job')
  expect(page.url()).not.toContain('login=')
  const second = await profile()
  second.expect(refused)
  const late = await second.open(address)
  await late.getByRole('heading', { name: 'Log in' }).waitFor()
  expect(late.url()).not.toContain('login=')
  expect(await second.context.cookies()).toEqual([])
  await expect(late.getByText('a line of the log').count()).resolves.toBe(0)
})
