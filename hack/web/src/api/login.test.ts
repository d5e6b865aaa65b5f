// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { afterEach, expect, test } from 'vitest'
import { RequestError } from '../state/state'
import { Client, pageURL, secretHeader } from './client'
import { codeOf, login, whoami } from './login'
import { answer, type Handler, TestServer } from './testserver'

const cleanup: (() => unknown)[] = []

afterEach(async () => {
  for (const step of cleanup.splice(0)) await step()
})

async function clientOf(handler: Handler, prefix = '') {
  const server = await TestServer.start(handler, prefix)
  cleanup.push(() => server.stop())
  return { server, client: new Client(server.page) }
}

test.each([
  ['#login=ABC', { code: 'ABC', to: '#/' }],
  ['#login=ABC&to=/s/a%2520b', { code: 'ABC', to: '#/s/a%20b' }],
  ['#login=ABC&to=%23%2Fs%2Fa%3Fview%3Dlog', { code: 'ABC', to: '#/s/a?view=log' }],
  ['#login=', { code: '', to: '#/' }],
  ['#/s/login=ABC', undefined],
  ['', undefined],
])('the code of %s', (fragment, code) => {
  expect(codeOf(fragment)).toEqual(code)
})

test.each([
  ['http://127.0.0.1:10350/ui/#login=ABC', 'http://127.0.0.1:10350/ui/'],
  ['http://127.0.0.1:10350/ui/?x=1#/s/a', 'http://127.0.0.1:10350/ui/'],
  ['https://host/a/b/ui/index.html', 'https://host/a/b/ui/'],
])('a page at %s is in %s', (base, page) => {
  expect(pageURL(base).href).toBe(page)
})

test('a code becomes a secret, which each later request has', async () => {
  const { client, server } = await clientOf((path, response, request) => {
    if (path.pathname === '/p/ui/login' && request.method === 'POST') {
      expect(request.headers[secretHeader.toLowerCase()]).toBe('login')
      let body = ''
      request.on('data', (piece) => {
        body += piece
      })
      request.on('end', () => answer(response, { secret: `of ${body}`, user: 'owner', viewOnly: false }))
    } else {
      answer(response, { login: request.headers[secretHeader.toLowerCase()] === 'S', user: 'owner', viewOnly: true })
    }
  }, '/p')
  expect(await login(client, 'ABC')).toBe('of {"code":"ABC"}')
  expect(await whoami(client)).toBeUndefined()
  client.secret = 'S'
  expect(await whoami(client)).toEqual({ name: 'owner', viewOnly: true })
  expect(server.paths).toEqual(['/p/ui/login', '/p/ui/login', '/p/ui/login'])
})

test('a code that is used or too old is an error', async () => {
  const { client } = await clientOf((_, response) => answer(response, { error: 'the code is not valid' }, 401))
  const error = await login(client, 'ABC').catch((error: unknown) => error)
  expect(error).toBeInstanceOf(RequestError)
  expect(error).toMatchObject({ code: 401, message: 'the code is not valid' })
})

test.each<[string, Handler]>([
  ['404', (_, response) => response.writeHead(404).end('404 page not found')],
  ['405', (_, response) => response.writeHead(405).end()],
  ['a page', (_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html>')],
])('a server of files, which answers with %s, has no logins', async (_, handler) => {
  const { client } = await clientOf(handler)
  await expect(login(client, 'ABC')).rejects.toBeInstanceOf(RequestError)
})

test.each([
  [{ kind: 'Status', message: 'no such thing', reason: 'NotFound', code: 404 }, 404, 'no such thing', 'NotFound'],
  ['upstream is away\n', 502, 'upstream is away', 'Bad Gateway'],
  ['', 503, 'Service Unavailable', 'Service Unavailable'],
])('the error of the answer %j', async (body, code, message, reason) => {
  const { client } = await clientOf((_, response) => {
    response.writeHead(code).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await expect(client.get('sessions')).rejects.toMatchObject({ code, message, reason })
})

test('no answer is an error with the code 0, an aborted request is not', async () => {
  const { client, server } = await clientOf(() => {})
  const controller = new AbortController()
  const aborted = client.get('sessions', controller.signal)
  await server.until(() => server.open.size === 1)
  controller.abort()
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
  const broken = client.get('sessions')
  await server.until(() => server.paths.length === 2)
  server.cut()
  await expect(broken).rejects.toMatchObject({ code: 0, reason: 'Unreachable' })
})
