// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { Client } from '../api/client'
import { answer, type Handler, TestServer } from '../api/testserver'
import type { UIButton } from '../api/types'
import { pressed, requests } from './actions'
import type { Actions } from './state'

const cleanup: (() => unknown)[] = []

afterEach(async () => {
  for (const step of cleanup.splice(0)) await step()
})

async function body(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const piece of request) text += piece
  return text === '' ? undefined : JSON.parse(text)
}

/** actionsOf records what the Actions send. */
async function actionsOf(handler: Handler = (_, response) => answer(response, {})) {
  const sent: { method: string | undefined; path: string; body: unknown }[] = []
  const server = await TestServer.start((path, response, request) => {
    void body(request).then((body) => {
      sent.push({ method: request.method, path: path.pathname, body })
      handler(path, response, request)
    })
  })
  cleanup.push(() => server.stop())
  let out = 0
  const actions = requests(
    new Client(server.page),
    () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    () => out++,
  )
  return { actions, sent, out: () => out }
}

const apiVersion = 'tilt.dev/v1alpha1'
const metadata = { name: 'a b' }

test.each<[string, (actions: Actions) => Promise<void>, object]>([
  [
    'trigger',
    (actions) => actions.trigger('a b', ['web', '(Tiltfile)']),
    { apiVersion, kind: 'SessionTrigger', metadata, spec: { resources: ['web', '(Tiltfile)'] } },
  ],
  [
    'enable',
    (actions) => actions.enable('a b', ['web'], true),
    { apiVersion, kind: 'SessionEnable', metadata, spec: { resources: ['web'], only: true } },
  ],
  [
    'disable',
    (actions) => actions.disable('a b', ['web']),
    { apiVersion, kind: 'SessionDisable', metadata, spec: { resources: ['web'] } },
  ],
  ['args', (actions) => actions.args('a b', []), { apiVersion, kind: 'SessionArgs', metadata, spec: { args: [] } }],
])('%s is a POST of its kind', async (name, act, expected) => {
  const { actions, sent } = await actionsOf()
  await act(actions)
  expect(sent).toEqual([{ method: 'POST', path: `/sessions/a%20b/${name}`, body: expected }])
})

test('a Session is created and removed', async () => {
  const { actions, sent } = await actionsOf()
  const spec = { tiltfilePath: '/Tiltfile', exitCondition: 'ci', args: ['x'] } as const
  await actions.create({ name: 'n', ...spec, args: [...spec.args] })
  await actions.remove('n')
  expect(sent).toEqual([
    { method: 'POST', path: '/sessions', body: { apiVersion, kind: 'Session', metadata: { name: 'n' }, spec } },
    { method: 'DELETE', path: '/sessions/n', body: undefined },
  ])
})

test('a logout ends the login here, if the server has ended it', async () => {
  const { actions, sent, out } = await actionsOf()
  await actions.logout()
  expect(sent[0]).toMatchObject({ method: 'POST', path: '/ui/logout' })
  expect(out()).toBe(1)
  const failing = await actionsOf((_, response) => answer(response, {}, 500))
  await expect(failing.actions.logout()).rejects.toMatchObject({ code: 500 })
  expect(failing.out()).toBe(0)
})

const button = (lastClickedAt?: string) =>
  ({
    metadata: { name: 's.reset', resourceVersion: '7' },
    spec: {
      text: 'Reset',
      inputs: [
        { name: 'who', text: { defaultValue: 'me' } },
        { name: 'all', bool: { defaultValue: true } },
        { name: 'how', choice: { choices: ['fast', 'slow'] } },
        { name: 'id', hidden: { value: '42' } },
      ],
    },
    status: { lastClickedAt },
  }) as unknown as UIButton

test('a press has the time of the server and all inputs', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
  expect(pressed(button(), { who: 'you', all: false }, now)).toMatchObject({
    kind: 'UIButton',
    metadata: { name: 's.reset', resourceVersion: '7' },
    status: {
      lastClickedAt: '2026-01-02T03:04:05.678000Z',
      inputs: [
        { name: 'who', text: { value: 'you' } },
        { name: 'all', bool: { value: false } },
        { name: 'how', choice: { value: 'fast' } },
        { name: 'id', hidden: { value: '42' } },
      ],
    },
  })
  expect(pressed(button('2026-01-02T03:04:06.000000Z'), {}, now).status).toMatchObject({
    lastClickedAt: '2026-01-02T03:04:06.001000Z',
  })
})

test('a press is made once more on what another has pressed meanwhile', async () => {
  let puts = 0
  const { actions, sent } = await actionsOf((_, response, request) => {
    if (request.method === 'GET') return answer(response, button('2026-01-03T00:00:00.000000Z'))
    if (++puts > 1) return answer(response, {})
    answer(response, { kind: 'Status', code: 409, reason: 'Conflict', message: 'modified' }, 409)
  })
  await actions.press(button(), {})
  expect(sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'PUT /uibuttons/s.reset/status',
    'GET /uibuttons/s.reset',
    'PUT /uibuttons/s.reset/status',
  ])
  expect(sent[2]?.body).toMatchObject({ apiVersion, status: { lastClickedAt: '2026-01-03T00:00:00.001000Z' } })
})
