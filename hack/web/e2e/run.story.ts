// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { profile, refused } from './harness/browser'
import { ci, freePort, repository, serve, session, up, world } from './harness/server'
import { line, open, ready, row, state, tab } from './harness/view'

test('the demo runs to green', async () => {
  const user = world()
  const demo = 'hack/demo'
  cpSync(join(repository, demo), join(user.directory, demo), {
    recursive: true,
    filter: (path) => !/\/\.(bin|data)$/.test(path),
  })
  user.write('go.mod', 'module tilt.dev/session\n\ngo 1.24\n')
  for (const part of ['CATALOG', 'ORDERS']) user.environment.env[`DEMO_${part}_PORT`] = String(await freePort())
  const server = await up(user, join(user.directory, demo, 'Tiltfile'))
  const page = await (await profile()).open(await server.login())
  page.setDefaultTimeout(150_000) // Its programs are built.
  for (const resource of ['catalog', 'orders', 'worker']) await state(page, resource, 'ready')
  for (const resource of ['migrate', 'smoke']) await state(page, resource, 'succeeded')
}, 180_000)

test('a ci that fails is seen to the end by a page that was open before', async () => {
  const user = world()
  const server = await ci(
    user,
    `
local_resource('gate', 'until test -e go; do sleep 0.1; done', allow_parallel=True)
local_resource('broken', 'echo the last words; exit 3', resource_deps=['gate'])
local_resource('after', 'true', resource_deps=['broken'])
local_resource('last', 'true', resource_deps=['after'])
`,
  )
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await server.login())
  await state(page, 'gate', 'running')
  user.write('go', '')
  await tab(page, 'Failures')
  await lastWords(page, 'broken').waitFor()
  await page
    .getByText(/exit code 3/)
    .first()
    .waitFor()
  await page.getByText('Waited for it:').waitFor()
  await page.getByRole('link', { name: 'after' }).waitFor()
  await page.getByText('This run has ended with 1.').waitFor()
  expect(await server.run.exited).toBe(1)
})

test('a run that has failed is opened at its failures', async () => {
  const user = world()
  const server = await serve(user)
  const path = user.write('Tiltfile', "local_resource('broken', 'echo the last words; exit 3')\n")
  await server.tilt('create', '-f', user.write('one.json', session('one', path, 'ci')))
  await server.tilt('wait', '--for=condition=Failed', '--timeout=60s', 'session/one')
  const page = await (await profile()).open(await server.login())
  await lastWords(page, 'broken').waitFor()
  await page.getByText('This run has ended with 1.').waitFor()
})

test('a change of the Tiltfile adds and removes resources', async () => {
  const user = world()
  const server = await up(user, "local_resource('one', 'true')\nlocal_resource('two', 'true')\n")
  const page = await (await profile()).open(await server.login())
  await ready(page, 'two')
  user.write('Tiltfile', "local_resource('one', 'true')\nlocal_resource('three', 'true')\n")
  await ready(page, 'three')
  await row(page, 'two').waitFor({ state: 'detached' })
  await state(page, 'three', 'succeeded')
})

test('a link leads to a line of the log, and says so if the line is of a former run', async () => {
  const user = world()
  const tiltfile = "local_resource('count', 'seq 1 5000')\n\n"
  const server = await up(user, tiltfile)
  const own = await profile()
  const page = await own.open(await server.login())
  await state(page, 'count', 'succeeded')
  const log = await server.tilt('get', '--raw', '/apis/tilt.dev/v1alpha1/sessions/Tiltfile/log?format=json')
  const found = log.split('\n').find((each) => each.includes('"text":"2500"'))
  const seq: number = JSON.parse(found ?? '{}').seq
  const uid = (await server.tilt('get', 'session', 'Tiltfile', '-o', 'jsonpath={.metadata.uid}')).trim()
  await open(page, `#/s/Tiltfile/r/count?seq=${seq}&uid=${uid}`)
  await line(page, '2500').waitFor()
  expect(await line(page, '2500').isVisible()).toBe(true)
  expect(await line(page, '5000').count()).toBe(0)

  await open(page, `#/s/Tiltfile/r/count?seq=${seq}&uid=00000000-0000-0000-0000-000000000000`)
  await page.getByRole('heading', { name: 'This link is of an earlier run' }).waitFor()
})

/** lastWords are the last lines of a resource that has failed, which begin with what its command has said. */
const lastWords = (page: Page, resource: string) =>
  page.getByRole('region', { name: `Last lines of ${resource}` }).getByText(/^the last words/)
