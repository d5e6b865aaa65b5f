// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { profile } from './harness/browser'
import { up, world } from './harness/server'
import { line, open, painted, ready } from './harness/view'

/** What would tell that a text was taken for markup or a script: each sets this. */
const sign = 'window.pwned=1'

const tiltfile = `
hostile = '"><img src=x onerror=${sign}></script><script>${sign}</script>'
local_resource('<img src=x onerror=${sign}>', 'python3 lines.py', labels=['<b>bold</b>'[3:7]],
    links=[link('http://127.0.0.1:1/?' + '<script>${sign}</script>', hostile)])
local_resource('fails', 'echo "</pre><script>${sign}</script>" >&2; exit 3')
local_resource('l' + 'o' * 200 + 'ng', 'true')
v1alpha1.ui_button('press', text='<img src=x onerror=${sign}>',
    location=v1alpha1.ui_component_location(component_id='fails', component_type='Resource'),
    annotations={'tilt.dev/resource': 'fails'}, icon_svg='<svg onload="${sign}"><script>${sign}</script></svg>',
    inputs=[v1alpha1.ui_input_spec(name='X', label=hostile,
        text=v1alpha1.ui_text_input_spec(default_value=hostile, placeholder=hostile))])
v1alpha1.cmd('pressed', args=['sh', '-c', 'echo pressed $X'], annotations={'tilt.dev/resource': 'fails'},
    start_on=v1alpha1.start_on_spec(ui_buttons=['press']))
`

const lines = `
import sys
w = sys.stdout.buffer.write
w(b'first line\\n')
w(b'<img src=x onerror=${sign}>\\n')
w(b'</script><script>${sign}</script>\\n')
w(b'\\x1b]8;;javascript:${sign}\\x1b\\\\click here\\x1b]8;;\\x1b\\\\\\n')
w(b'\\x1b]8;;http://127.0.0.1:1/real\\x1b\\\\good link\\x1b]8;;\\x1b\\\\\\n')
w(b'javascript:${sign} data:text/html,x\\n')
w('right \\u202eto left\\u2066 bidi\\n'.encode())
w(b'nul \\x00 byte \\xff\\xfe invalid\\n')
w(b'\\x1b[2J\\x1b[Hcleared \\x1b]0;title\\x07\\x1b[31;1mred\\x1b[0m\\n')
w(b'x' * (1 << 20) + b'\\n')
w(b'last line\\n')
`

test('hostile names, logs, errors, labels, links and buttons are shown as text', async () => {
  const user = world()
  user.write('lines.py', lines)
  const server = await up(user, tiltfile)
  const own = await profile()
  const page = await own.open(await server.login())
  await ready(page, 'fails')
  for (const view of ['table', 'graph', 'timeline', 'log', 'failures', 'tiltfile']) {
    await open(page, `#/s/Tiltfile?view=${view}`)
    await page.getByRole('main').waitFor()
    await painted(page)
  }
  const name = `<img src=x onerror=${sign}>`
  await open(page, `#/s/Tiltfile/r/${encodeURIComponent(name)}`)
  await line(page, 'last line').waitFor()
  await page.keyboard.press('Home')
  await line(page, 'first line').waitFor()
  await line(page, `</script><script>${sign}</script>`).waitFor()
  const links = await page.evaluate(() => [...document.querySelectorAll('a')].map((each) => each.protocol))
  expect(links.filter((protocol) => !/^https?:$/.test(protocol))).toEqual([])
  const foreign = await page.evaluate(() =>
    [...document.querySelectorAll('a')].filter((each) => each.origin !== location.origin).map((each) => each.rel),
  )
  expect(foreign.length).toBeGreaterThan(0)
  for (const rel of foreign) expect(rel).toBe('noopener noreferrer')
  await open(page, '#/s/Tiltfile/r/fails')
  await page
    .getByRole('button', { name: `${name}…` })
    .first()
    .click()
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  expect(await page.evaluate(() => 'pwned' in window)).toBe(false)
  expect(await page.locator('img[src=x], main script').count()).toBe(0)
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
})
