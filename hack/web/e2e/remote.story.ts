// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { profile, refused } from './harness/browser'
import { login } from './harness/login'
import { eventually, start } from './harness/run'
import { address, binary, freePort, serve, session, up, world } from './harness/server'
import { line, open, ready, state, tab } from './harness/view'

const tiltfile = "local_resource('job', 'echo run >> runs; echo a line of the log')\n\n"

test('"ui --context" shows the Sessions of another server, and forwards nothing else', async () => {
  const remote = await up(world(), tiltfile)
  const user = world()
  const kubeconfig = user.write('kubeconfig', await remote.tilt('kubeconfig'))
  const context = (await remote.tilt('kubeconfig')).match(/current-context: "?([^"\n]+)/)?.[1] ?? ''
  const ui = start([binary, 'ui', '--context', context, '--print-url'], {
    ...user.environment,
    env: { ...user.environment.env, KUBECONFIG: kubeconfig },
  })
  const web = await eventually('it says where it is', () => /http:\/\/\S+/.exec(ui.output()) && address(ui.output()))
  const own = await profile()
  const page = await own.open(web)
  await ready(page, 'job')
  await state(page, 'job', 'succeeded')
  await page.getByRole('button', { name: 'Trigger job' }).click()
  await open(page, '#/s/Tiltfile/r/job')
  await line(page, 'a line of the log').waitFor()
  await eventually('the job has run again', async () =>
    /trigger/.test(await remote.tilt('get', 'uiresource', 'job', '-o', 'jsonpath={.status.buildHistory[*].reason}')),
  )
  own.expect(refused)
  const statuses = await page.evaluate(
    async (secret) => {
      const get = async (path: string) => (await fetch(path, { headers: { 'X-Tilt-Session': secret } })).status
      return [
        await get('/apis/tilt.dev/v1alpha1/sessions'),
        await get('/api/v1/secrets'),
        await get('/apis/tilt.dev/..%2f..%2fapi/v1/secrets'),
      ]
    },
    (await login(page))['X-Tilt-Session'],
  )
  expect(statuses[0]).toBe(200)
  expect(statuses[1]).toBe(404)
  expect(statuses[2]).toBeGreaterThanOrEqual(400)
})

test('a Session that no process runs is shown, and the page says why it has no log', async () => {
  const user = world()
  const remote = await serve(user, 0, '--run-sessions=false')
  await remote.tilt('create', '-f', user.write('one.json', session('alone', user.write('Tiltfile', tiltfile))))
  const own = await profile()
  own.expect(refused)
  const page = await own.open(await remote.login())
  await tab(page, 'Log')
  await page.getByText('doesn’t run the Session').waitFor()
})

test('"kubectl proxy --www" serves the page, which needs no login there', async () => {
  const remote = await up(world(), tiltfile)
  const user = world()
  const kubeconfig = user.write('kubeconfig', await remote.tilt('kubeconfig'))
  await user.tilt('ui', '--export', join(user.directory, 'www'))
  const port = await freePort()
  const argv = [
    'kubectl',
    'proxy',
    '--port',
    String(port),
    '--www',
    join(user.directory, 'www'),
    '--www-prefix',
    '/ui/',
  ]
  const proxy = start(argv, { ...user.environment, env: { ...user.environment.env, KUBECONFIG: kubeconfig } })
  await eventually('the proxy is ready', () => /Starting to serve/.test(proxy.output()))
  const own = await profile()
  own.expect(refused)
  const page = await own.open(`http://127.0.0.1:${port}/ui/`)
  await ready(page, 'job')
  await state(page, 'job', 'succeeded')
  await page.getByRole('button', { name: 'Trigger job' }).click()
  await eventually('the job has run again', async () =>
    /trigger/.test(await remote.tilt('get', 'uiresource', 'job', '-o', 'jsonpath={.status.buildHistory[*].reason}')),
  )
})

test('the page works below a path of a reverse proxy whose name is allowed', async () => {
  const user = world()
  const port = await freePort()
  const path = user.write('Tiltfile', tiltfile)
  const server = await serve(user, 0, '--web-allowed-hosts', `localhost:${port}`)
  await server.tilt('create', '-f', user.write('one.json', session('one', path)))
  const proxy = createServer((asked, answer) => {
    const target = request(
      {
        host: '127.0.0.1',
        port: server.port,
        method: asked.method,
        path: (asked.url ?? '').replace(/^\/some\/prefix/, ''),
        headers: asked.headers,
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      },
    )
    target.once('error', () => answer.destroy())
    answer.once('close', () => target.destroy())
    asked.pipe(target)
  })
  await new Promise<void>((done) => proxy.listen(port, '127.0.0.1', done))
  onTestFinished(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  const code = new URL(await server.login()).hash
  const own = await profile()
  const page = await own.open(`http://localhost:${port}/some/prefix/ui/${code}`)
  await ready(page, 'job')
  await state(page, 'job', 'succeeded')
})
