// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { test } from 'vitest'
import { profile } from '../harness/browser'
import { eventually } from '../harness/run'
import { repository, type Server, up, world } from '../harness/server'
import { line, open, ready, row, state } from '../harness/view'
import { firstPaint, frames, hide, meter, percentile, processes, report, watchLongTasks } from './measure'

const many = (count: number) => `
update_settings(max_parallel_updates=20)
for n in range(${count}):
    local_resource('r' + ('000' + str(n))[-4:], 'true', allow_parallel=True, labels=['l%d' % (n % 7)])
`

/** started runs the Tiltfile and waits until all of its jobs have ended. */
async function started(tiltfile: string): Promise<Server> {
  const server = await up(world(), tiltfile)
  await server.tilt('wait', '--for=condition=Ready', '--timeout=120s', 'session/Tiltfile')
  return server
}

test('the size of the page', () => {
  const directory = join(repository, 'pkg/web/dist')
  const index = readFileSync(join(directory, 'index.html'), 'utf8')
  let first = 0
  let all = 0
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue
    const size = gzipSync(readFileSync(join(directory, name)), { level: 9 }).length / 1024
    all += size
    if (name === 'index.html' || index.includes(name)) first += size
  }
  report('size', { 'KB-gzip-first': first, 'KB-gzip-all': all })
})

for (const count of [20, 1000]) {
  test(`first paint with ${count} resources`, async () => {
    const server = await started(many(count))
    const own = await profile()
    const page = await own.open(await server.login())
    await ready(page, 'r0001')
    const shown: number[] = []
    const painted: number[] = []
    for (let run = 0; run < 7; run++) {
      const begin = Date.now()
      await page.reload({ waitUntil: 'commit' })
      await ready(page, 'r0001')
      shown.push(Date.now() - begin)
      painted.push(await firstPaint(page))
    }
    const measured = await meter(page)
    report(`load/resources=${count}`, {
      'ms-first-paint': percentile(painted, 0.5),
      'ms-rows': percentile(shown, 0.5),
      nodes: await measured.nodes(),
      'MB-heap': await measured.heap(),
    })
  })
}

test('an event at 1,000 resources', async () => {
  const server = await started(many(1000))
  const page = await (await profile()).open(await server.login())
  await ready(page, 'r0001')
  await page.waitForTimeout(2000)
  const measured = await meter(page)
  const longTasks = await watchLongTasks(page)
  const busy: number[] = []
  for (let run = 0; run < 20; run++) {
    const before = await measured.busy()
    await server.tilt('trigger', 'r0001')
    await page.waitForTimeout(1500)
    busy.push((await measured.busy()).task - before.task)
  }
  const tasks = await longTasks()
  // A trigger is several events: asked for, begun, ended.
  report('trigger/resources=1000', {
    'p50-ms-main': percentile(busy, 0.5),
    'p95-ms-main': percentile(busy, 0.95),
    'ms-longest-task': Math.max(0, ...tasks),
    'long-tasks': tasks.length,
    nodes: await measured.nodes(),
  })
})

/** cpu is the seconds that a process has used, its children not counted. */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** rest is the share of a CPU that the browser, all of its processes, and the server use in some seconds, in per cent. */
async function rest(page: Page, server: Server, seconds: number): Promise<{ browser: number; server: number }> {
  const before = { browser: await processes(page), server: cpu(server.run.pid) }
  await new Promise((done) => setTimeout(done, seconds * 1000))
  return {
    browser: (((await processes(page)) - before.browser) / seconds) * 100,
    server: ((cpu(server.run.pid) - before.server) / seconds) * 100,
  }
}

test('a page at which nothing happens', async () => {
  const server = await started(`${many(1000)}local_resource('web', serve_cmd='exec sleep 10000')\n`)
  const alone = cpu(server.run.pid)
  await new Promise((done) => setTimeout(done, 10_000))
  const before = ((cpu(server.run.pid) - alone) / 10) * 100
  const page = await (await profile()).open(await server.login())
  await ready(page, 'r0001')
  await page.waitForTimeout(3000)
  const visible = await rest(page, server, 10)
  await hide(page)
  const hidden = await rest(page, server, 10)
  await page.goto('about:blank')
  await page.waitForTimeout(3000)
  const blank = await rest(page, server, 10)
  report('idle/resources=1000', {
    '%cpu-browser': visible.browser,
    '%cpu-browser-hidden': hidden.browser,
    '%cpu-browser-blank': blank.browser,
    '%cpu-server': visible.server,
    '%cpu-server-alone': before,
  })
})

test('a server that a page watches while something happens all the time', async () => {
  const server = await started(`${many(1000)}local_resource('web', serve_cmd='exec sleep 10000')\n`)
  const churn = async () => {
    const begin = cpu(server.run.pid)
    for (let run = 0; run < 10; run++) {
      await server.tilt('trigger', 'r0001')
      await new Promise((done) => setTimeout(done, 500))
    }
    return cpu(server.run.pid) - begin
  }
  const without = await churn()
  const page = await (await profile()).open(await server.login())
  await ready(page, 'r0001')
  await page.waitForTimeout(2000)
  const begin = Date.now()
  const withPage = await churn()
  report('server/resources=1000', { '%cpu-of-a-page': ((withPage - without) / ((Date.now() - begin) / 1000)) * 100 })
})

test('a graph of 200 resources and 400 edges', async () => {
  const server = await started(`
for n in range(200):
    local_resource('r' + ('000' + str(n))[-4:], 'true', allow_parallel=True, resource_deps=['r' + ('000' + str(d))[-4:] for d in [n // 2, n // 3] if d < n])
`)
  const page = await (await profile()).open(await server.login())
  await ready(page, 'r0001')
  const longTasks = await watchLongTasks(page)
  const begin = Date.now()
  await open(page, '#/s/Tiltfile?view=graph')
  await eventually('the graph is drawn', () =>
    page.evaluate(() =>
      [...document.querySelectorAll('main svg')].some((each) => each.querySelectorAll('path').length > 50),
    ),
  )
  report('graph/nodes=200', { 'ms-shown': Date.now() - begin, 'ms-longest-task': Math.max(0, ...(await longTasks())) })
})

test('a log of 100,000 lines', async () => {
  const server = await started("local_resource('count', 'seq 1 100000')\n\n")
  const page = await (await profile()).open(await server.login())
  await state(page, 'count', 'succeeded')
  const timed = async (act: () => Promise<unknown>, text: string) => {
    const begin = performance.now()
    await act()
    await line(page, text).waitFor()
    return performance.now() - begin
  }
  const opened: number[] = []
  const home: number[] = []
  const end: number[] = []
  for (let run = 0; run < 5; run++) {
    await open(page, '#/s/Tiltfile')
    await row(page, 'count').waitFor()
    opened.push(await timed(() => open(page, '#/s/Tiltfile/r/count'), '100000'))
    await page.getByRole('log').first().focus()
    home.push(await timed(() => page.keyboard.press('Home'), '1'))
    end.push(await timed(() => page.keyboard.press('End'), '100000'))
  }
  const longTasks = await watchLongTasks(page)
  const found: number[] = []
  for (const term of ['50000', '25000', '75000', '12345', '99999']) {
    await page.keyboard.press('f')
    await page.getByRole('textbox', { name: 'Find' }).fill(term)
    found.push(await timed(() => page.keyboard.press('Enter'), term))
    await page.keyboard.press('Escape')
  }
  const measured = await meter(page)
  report('log/lines=100000', {
    'ms-open': percentile(opened, 0.5),
    'ms-home': percentile(home, 0.5),
    'ms-end': percentile(end, 0.5),
    'ms-find': percentile(found, 0.5),
    'ms-longest-task-of-find': Math.max(0, ...(await longTasks())),
    'MB-heap': await measured.heap(),
    nodes: await measured.nodes(),
  })
})

test('5,000 lines a second', async () => {
  const user = world()
  user.write(
    'lines.py',
    `
import sys, time
n = 0
while True:
    for _ in range(100):
        n += 1
        print('line', n, 'of a server that says much', flush=False)
    sys.stdout.flush()
    time.sleep(0.02)
`,
  )
  const server = await up(user, "local_resource('noisy', serve_cmd='exec python3 lines.py')\n\n")
  const page = await (await profile()).open(await server.login())
  await ready(page, 'noisy')
  await open(page, '#/s/Tiltfile/r/noisy')
  await line(page, /^line \d+ of/).waitFor()
  const measured = await meter(page)
  const before = await measured.busy()
  const seconds = 60
  const gaps = await frames(page, seconds)
  const busy = (await measured.busy()).task - before.task
  report('follow/lines=5000', {
    fps: gaps.length / seconds,
    'ms-longest-frame': Math.max(...gaps),
    '%cpu-page': busy / seconds / 10,
    'MB-heap': await measured.heap(),
  })
})
