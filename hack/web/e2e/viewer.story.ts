// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { profile, refused } from './harness/browser'
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
  const statuses = await page.evaluate(async () => {
    const stored = [...Object.values(sessionStorage), ...Object.values(localStorage)].join(' ')
    const secrets = stored.match(/[A-Za-z0-9_-]{20,}/g) ?? []
    const sessions = '/apis/tilt.dev/v1alpha1/sessions'
    const answers: Record<string, number> = {}
    for (const secret of secrets) {
      const headers = { 'X-Tilt-Session': secret, 'Content-Type': 'application/json' }
      const read = await fetch(sessions, { headers })
      if (!read.ok) continue
      answers.read = read.status
      const post = (kind: string, spec: object) =>
        fetch(`${sessions}/Tiltfile/${kind}`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ apiVersion: 'tilt.dev/v1alpha1', kind: `Session${kind}`, spec }),
        })
      answers.trigger = (await post('trigger', { resources: ['job'] })).status
      answers.disable = (await post('disable', { resources: ['job'] })).status
      answers.args = (await post('args', { args: ['x'] })).status
      answers.remove = (await fetch(`${sessions}/Tiltfile`, { method: 'DELETE', headers })).status
    }
    return answers
  })
  expect(statuses).toEqual({ read: 200, trigger: 403, disable: 403, args: 403, remove: 403 })
})
