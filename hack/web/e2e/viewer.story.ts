// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { profile, refused } from './harness/browser'
import { login } from './harness/login'
import { up, world } from './harness/server'
import { ready } from './harness/view'

test('a viewer sees everything, can change nothing, and is told why', async () => {
  const server = await up(world(), "local_resource('job', 'true')\n\n")
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await server.login('--view-only'))
  await ready(page, 'job')
  const trigger = page.getByRole('button', { name: 'Trigger job' })
  await trigger.waitFor()
  expect(await trigger.isDisabled()).toBe(true)
  await page.getByText('Your login may look, and change nothing.').first().waitFor()

  // The same by hand, with all that the page has.
  const statuses = await page.evaluate(
    async (secret) => {
      const headers = { 'X-Tilt-Session': secret, 'Content-Type': 'application/json' }
      const sessions = '/apis/tilt.dev/v1alpha1/sessions'
      const status = async (path: string, init: RequestInit = {}) =>
        (await fetch(`${sessions}${path}`, { headers, ...init })).status
      const post = (kind: string, spec: object) =>
        status(`/Tiltfile/${kind}`, {
          method: 'POST',
          body: JSON.stringify({ apiVersion: 'tilt.dev/v1alpha1', kind: `Session${kind}`, spec }),
        })
      return {
        read: await status(''),
        trigger: await post('trigger', { resources: ['job'] }),
        disable: await post('disable', { resources: ['job'] }),
        args: await post('args', { args: ['x'] }),
        remove: await status('/Tiltfile', { method: 'DELETE' }),
      }
    },
    (await login(page))['X-Tilt-Session'],
  )
  expect(statuses).toEqual({ read: 200, trigger: 403, disable: 403, args: 403, remove: 403 })
})
