// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { browser, profile, refused } from './harness/browser'
import { login } from './harness/login'
import { eventually } from './harness/run'
import { serve, session, up, world } from './harness/server'
import { line, open, ready, state } from './harness/view'

test('a server that is killed and comes back: the page says that it is stale, then goes on', async () => {
  const user = world()
  const tiltfile = user.write(
    'Tiltfile',
    "local_resource('job', 'true')\nlocal_resource('web', serve_cmd='sleep 1000')\n",
  )
  const server = await serve(user)
  await server.tilt('create', '-f', user.write('one.json', session('one', tiltfile)))
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await server.login())
  await ready(page, 'web')
  await state(page, 'web', 'ready')
  server.run.signal('SIGKILL')
  await server.run.exited
  await page.getByText(/^Stale since/).waitFor()
  // What was shown last stays in sight.
  await ready(page, 'web')

  const next = await serve(user, server.port)
  await page.getByRole('heading', { name: 'Log in' }).waitFor({ timeout: 45_000 })
  await page.goto(await next.login())
  await state(page, 'web', 'ready')
  user.write('Tiltfile', "local_resource('job', 'true')\nlocal_resource('another', 'true')\n")
  await state(page, 'another', 'succeeded')
}, 180_000)

test('the end of the server ends the login, and so does a logout', async () => {
  const server = await up(world(), "local_resource('job', 'true')\n\n")
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await server.login())
  await ready(page, 'job')
  const headers = await login(page)
  const get = () => fetch(`http://127.0.0.1:${server.port}/apis/tilt.dev/v1alpha1/sessions`, { headers })
  expect((await get()).status).toBe(200)
  await page.locator('header').getByRole('button', { expanded: false }).last().click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
  await page.getByRole('heading', { name: 'Log in' }).waitFor()
  await eventually('the login has ended', async () => (await get()).status === 401)
})

test('ten tabs of one browser are all alive, and each has its log', async () => {
  const server = await up(
    world(),
    `
local_resource('job', 'echo run $(date +%N)', labels=['jobs'])
local_resource('ticker', serve_cmd='n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.5; done')
`,
  )
  const own = await profile({}, await browser())
  const first = await own.open(await server.login())
  await ready(first, 'ticker')
  const tabs: Page[] = [first]
  for (let count = 1; count < 10; count++) {
    const next = await own.open(await server.login())
    await ready(next, 'ticker')
    tabs.push(next)
  }
  for (const tab of tabs) {
    await ready(tab, 'ticker')
    await open(tab, '#/s/Tiltfile/r/ticker')
    await line(tab, /^tick \d+$/).waitFor()
  }
  const last = (tab: Page) =>
    tab.evaluate(() =>
      Math.max(...((document.body.textContent ?? '').match(/tick \d+/g)?.map((text) => Number(text.slice(5))) ?? [0])),
    )
  for (const tab of tabs) {
    const before = await last(tab)
    await eventually('the log goes on', async () => (await last(tab)) > before)
  }
  for (const tab of tabs) await open(tab, '#/s/Tiltfile')
  await server.tilt('disable', 'job')
  for (const tab of tabs) await tab.getByRole('button', { name: /^disabled/ }).waitFor()
}, 180_000)
