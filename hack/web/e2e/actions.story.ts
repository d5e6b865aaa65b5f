// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { type Profile, profile } from './harness/browser'
import { eventually } from './harness/run'
import { type Server, serve, session, up, world } from './harness/server'
import { answer, line, open, ready, row, state, tab } from './harness/view'

const tiltfile = `
config.define_string_list('names', args=True)
names = config.parse().get('names', ['first'])
for name in names:
    local_resource(name, 'echo ' + name + ' >> runs', labels=['jobs'])
local_resource('web', serve_cmd='echo serving; exec sleep 1000')
v1alpha1.ui_button(
    'greet', text='Greet', location=v1alpha1.ui_component_location(component_id='web', component_type='Resource'),
    annotations={'tilt.dev/resource': 'web'}, inputs=[
        v1alpha1.ui_input_spec(name='WHO', text=v1alpha1.ui_text_input_spec(default_value='nobody')),
    ])
v1alpha1.cmd('greeting', args=['sh', '-c', 'echo hello $WHO'], annotations={'tilt.dev/resource': 'web'},
    start_on=v1alpha1.start_on_spec(ui_buttons=['greet']))
`

const runs = (server: Server) => readFileSync(join(server.world.directory, 'runs'), 'utf8').split('\n').length - 1

async function start(): Promise<{ server: Server; page: Page; own: Profile }> {
  const server = await up(world(), tiltfile)
  const own = await profile()
  const page = await own.open(await server.login())
  await ready(page, 'first')
  await state(page, 'first', 'succeeded')
  return { server, page, own }
}

test('by mouse: trigger, disable, enable, arguments, a button', async () => {
  const { server, page } = await start()
  await page.getByRole('button', { name: 'Trigger first' }).click()
  await eventually('the job runs again', () => runs(server) === 2)
  await row(page, 'first').getByRole('checkbox').check()
  await page.getByRole('region', { name: 'Actions on the selection' }).getByRole('button', { name: 'Disable' }).click()
  // The disabled ones are at the end, below their number.
  const group = page.getByRole('button', { name: /^disabled/ })
  await group.waitFor()
  if ((await group.getAttribute('aria-expanded')) === 'false') await group.click()
  await state(page, 'first', 'disabled')
  await page.getByRole('button', { name: 'Enable first' }).click()
  await state(page, 'first', 'succeeded')

  await row(page, 'web').getByRole('link', { name: 'web', exact: true }).click()
  await page.getByRole('button', { name: 'Greet…' }).click()
  await page.getByLabel('WHO').fill('the world')
  await answer(page, 'Greet')
  await line(page, 'hello the world').waitFor()
  await page.getByRole('link', { name: 'All resources' }).click()

  await tab(page, 'Tiltfile')
  await page.locator('summary').getByText('Arguments').click()
  await page.getByLabel('One argument a line').fill('second\nthird')
  await page.getByRole('button', { name: 'Load with these' }).click()
  await tab(page, 'Table')
  await state(page, 'third', 'succeeded')
  await row(page, 'first').waitFor({ state: 'detached' })
})

test('by keyboard alone: move, trigger, disable, enable, open, back, views, palette', async () => {
  const { server, page } = await start()
  const press = (...keys: string[]) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), done)
  const done = Promise.resolve()
  for (let step = 0; step < 10 && !(await focused(page)).includes('first'); step++) await press('j')
  expect(await focused(page)).toContain('first')
  await press('t')
  await eventually('the job runs again', () => runs(server) === 2)
  await state(page, 'first', 'succeeded')
  expect(await focused(page)).toContain('first')
  await press('e')
  const status = () => server.tilt('get', 'session', '-o', 'jsonpath={.items[0].status.targets[*].state}')
  await eventually('it is disabled', async () => (await status()).includes('disabled'))
  await press('Control+k')
  await type(page, 'enable first')
  await page.getByRole('option', { name: /Enable first/ }).waitFor()
  await press('Enter')
  await eventually('it is enabled', async () => !(await status()).includes('disabled'))
  await press('Control+k')
  await type(page, 'web')
  await page
    .getByRole('option', { name: /^\S* ?web/ })
    .first()
    .waitFor()
  await press('Enter')
  await line(page, 'serving').waitFor()
  await press('Escape')
  await ready(page, 'first')
  for (const [key, view] of Object.entries({ g: 'graph', l: 'timeline', m: 'log', t: 'table' })) {
    await press('g', key)
    await eventually(view, () => page.url().includes(`view=${view}`))
  }
  await ready(page, 'first')
  await press('/')
  await type(page, 'web')
  await row(page, 'first').waitFor({ state: 'detached' })
  await press('Escape', 'Escape', '?')
  await page.getByRole('dialog', { name: 'Help' }).waitFor()
  await press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

test('a page reached by Tab alone has each control once, with a visible focus', async () => {
  const { page } = await start()
  const seen: string[] = []
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const element = document.activeElement
      if (!element || element === document.body) return undefined
      const style = getComputedStyle(element)
      const visible = style.outlineStyle !== 'none' || style.boxShadow !== 'none'
      const name = element.getAttribute('aria-label') ?? element.textContent?.trim() ?? ''
      return { name: name || element.tagName, visible }
    })
    if (!at) break
    expect(at.visible, `focus of ${at.name}`).toBe(true)
    seen.push(at.name)
  }
  expect(seen.join('\n')).toContain('first')
  expect(seen.join('\n')).toContain('web')
})

test('Sessions of a server are created, seen and deleted in the page', async () => {
  const user = world()
  mkdirSync(join(user.directory, 'other'))
  const one = user.write('Tiltfile', "local_resource('one', 'true')\n")
  const two = user.write('other/Tiltfile', "local_resource('two', 'true')\n")
  const server = await serve(user)
  await server.tilt('create', '-f', user.write('one.json', session('one', one)))
  const page = await (await profile()).open(await server.login())
  await ready(page, 'one')
  await open(page, '#/?all=1')
  await page.getByRole('button', { name: 'New Session' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('textbox', { name: /^Name/ }).fill('second')
  await dialog.getByRole('textbox', { name: /^Tiltfile/ }).fill(two)
  await dialog.getByRole('button', { name: 'Create' }).click()
  await eventually('the Session is there', async () =>
    /second/.test(await server.tilt('get', 'sessions', '-o', 'name')),
  )
  await state(page, 'two', 'succeeded')
  await open(page, '#/?all=1')
  await page.getByRole('button', { name: 'Delete second' }).click()
  await answer(page, 'Delete')
  await eventually(
    'the Session is gone',
    async () => !/second/.test(await server.tilt('get', 'sessions', '-o', 'name')),
  )
  await eventually('its row is gone', async () => (await row(page, 'second').count()) === 0)
})

const focused = (page: Page) => page.evaluate(() => document.activeElement?.closest('tr')?.textContent ?? '')

/** type types into the field that a key has given the focus. It waits for that, as a person does who looks. */
async function type(page: Page, text: string): Promise<void> {
  await eventually('a field has the focus', () =>
    page.evaluate(() => document.activeElement?.matches('input:not([type=checkbox])') ?? false),
  )
  await page.keyboard.type(text)
}
