// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// @vitest-environment happy-dom

import { act } from 'preact/test-utils'
import { afterEach, expect, test, vi } from 'vitest'
import type { UIButton, UIResource } from '../api/types'
import { route } from '../router'
import { settings } from '../settings'
import { RequestError } from '../state/state'
import { command } from './Banner'
import { disabled, failed, job, resource, session, succeeded, TestPage, waitingFor } from './page.testing'

let page: TestPage
afterEach(() => {
  page.close()
  vi.useRealTimers()
  settings.keys.value = true
})

const names = () => page.texts('tbody .name a')
const shop = () =>
  session([job('a', succeeded), job('b', failed), job('c', waitingFor('b:update')), job('d', disabled)])

test('the only Session is shown if the address names none, and the list if it is asked for', async () => {
  page = new TestPage(shop())
  await page.open('#/')
  expect(route.value.session).toBe('shop')
  await page.open('#/?all=1')
  expect(page.texts('tbody th a')).toEqual(['shop'])
  expect(document.title).toBe('Sessions – tilt-session')
})

test('the list of Sessions names what has failed', async () => {
  const done = { done: true, error: 'Process 7742 exited with code 3' }
  const first = session([job('a', failed), job('b', failed)], done)
  const second = session([job('a', failed)])
  second.metadata = { ...second.metadata, name: 'second', uid: 'uid-2' }
  page = new TestPage(first, second)
  await page.open('#/')
  expect(page.texts('tbody th .muted')).toEqual(['a: exit code 3, and 1 other failure', 'a: exit code 3'])
})

test('a new Session takes no Tiltfile whose path is relative', async () => {
  page = new TestPage()
  await page.open('#/')
  await page.click('New Session')
  const create = async (path: string) => {
    page.find<HTMLInputElement>('[name=name]').value = 'demo'
    page.find<HTMLInputElement>('[name=path]').value = path
    await page.click('Create')
  }
  await create('shop/Tiltfile')
  expect(page.actions.create).not.toHaveBeenCalled()
  await create(' /src/Tiltfile')
  expect(page.actions.create.mock.calls[0]?.[0].tiltfilePath).toBe('/src/Tiltfile')
})

test('a table has a row for each resource, its state by sign and word, and the disabled ones in a group', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  expect(names()).toEqual(['a', 'b', 'c'])
  expect(page.texts('tbody .statecell')).toEqual(['✓succeeded', '✗failed', '…waiting'])
  expect(page.texts('tbody .why')).toEqual(['', 'exit code 3', 'waits for b (failed)'])
  expect(page.find('.group button').getAttribute('aria-expanded')).toBe('false')
  await act(() => page.find('.group button').click())
  expect(names()).toEqual(['a', 'b', 'c', 'd'])
  expect(document.title).toBe('✗1 … 1/3 – shop')
})

test('columns sort, and say so', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  const column = () => page.find('thead th.name')
  expect(column().getAttribute('aria-sort')).toBe('none')
  await act(() => column().querySelector('button')?.click())
  expect([route.value.params.sort, column().getAttribute('aria-sort')]).toEqual(['name', 'ascending'])
  await act(() => column().querySelector('button')?.click())
  expect([route.value.params.sort, column().getAttribute('aria-sort')]).toEqual(['-name', 'descending'])
  expect(names()).toEqual(['c', 'b', 'a'])
  await act(() => column().querySelector('button')?.click())
  expect(route.value.params.sort).toBeUndefined()
})

test('nothing moves while a row has the focus', async () => {
  page = new TestPage(session([job('a', failed), job('b', succeeded)]))
  await page.open('#/s/shop?sort=state')
  expect(names()).toEqual(['a', 'b'])
  page.find('tr[data-name=b] .name a').focus()
  await page.show(session([job('a', succeeded), job('b', failed), job('c', failed)]))
  expect(names()).toEqual(['a', 'b', 'c'])
  expect(page.texts('tbody .statecell')).toEqual(['✓succeeded', '✗failed', '✗failed'])
  await act(async () => page.find('.filter').focus())
  expect(names()).toEqual(['b', 'c', 'a'])
})

test('a large table renders what is seen', async () => {
  const targets = Array.from({ length: 1000 }, (_, i) => job(`r${`${i}`.padStart(4, '0')}`, succeeded))
  page = new TestPage(session(targets))
  await page.open('#/s/shop')
  expect(names().length).toBeLessThan(80)
  expect(page.find('table').getAttribute('aria-rowcount')).toBe('1001')
  expect(page.find('tbody tr.line').getAttribute('aria-rowindex')).toBe('2')
  expect(page.root.querySelectorAll('*').length).toBeLessThan(5000)
})

test('a row that has the focus keeps it when it is scrolled out of sight', async () => {
  page = new TestPage(session(Array.from({ length: 1000 }, (_, i) => job(`r${`${i}`.padStart(4, '0')}`, succeeded))))
  await page.open('#/s/shop')
  page.find('tr[data-name=r0003] .name a').focus()
  const box = page.find('.scroll')
  await act(async () => {
    box.scrollTop = 16_000
    box.dispatchEvent(new Event('scroll'))
    await new Promise(requestAnimationFrame)
  })
  expect(names()[0]).toBe('r0003')
  expect(names().length).toBeLessThan(80)
  expect(document.activeElement?.textContent).toBe('r0003')
  const heights = [...page.root.querySelectorAll<HTMLElement>('.space td')].map((td) =>
    Number.parseInt(td.style.height),
  )
  expect(heights.reduce((a, b) => a + b) / 32 + names().length).toBe(1000)
})

test('keys walk along the rows and act on the one that has the focus', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  await page.key('j', document.body)
  await page.key('j')
  expect(document.activeElement?.textContent).toBe('b')
  await page.key('t')
  expect(page.actions.trigger).toHaveBeenCalledWith('shop', ['b'])
  await page.key('k')
  await page.key('e')
  expect(page.actions.disable).toHaveBeenCalledWith('shop', ['a'])
  await page.key('/')
  expect(document.activeElement).toBe(page.find('.filter'))
  const typed = await page.key('t')
  expect(typed.defaultPrevented).toBe(false)
  expect(page.actions.trigger).toHaveBeenCalledTimes(1)
})

test('views have keys of two characters; browsers keep theirs; keys may be off', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  await page.key('g', document.body)
  await page.key('m', document.body)
  expect(route.value.view).toBe('log')
  expect((await page.key('f', document.body, { ctrlKey: true })).defaultPrevented).toBe(false)
  settings.keys.value = false
  await page.key('?', document.body)
  expect(page.root.querySelector('dialog')).toBeNull()
  await page.key('k', document.body, { ctrlKey: true })
  expect(page.find('dialog').className).toBe('palette')
})

test('the palette finds a resource and goes there', async () => {
  page = new TestPage(session([job('catalog', succeeded), job('orders', succeeded)]))
  await page.open('#/s/shop')
  await page.key('k', document.body, { ctrlKey: true })
  const input = page.find<HTMLInputElement>('dialog input')
  await act(() => {
    input.value = 'ord'
    input.dispatchEvent(new InputEvent('input', { bubbles: true }))
  })
  expect(page.texts('[role=option] .cut')[0]).toBe('orders')
  await page.key('Enter', input)
  expect(route.value.resource).toBe('orders')
  expect(page.root.querySelector('dialog')).toBeNull()
})

test('a refused request is a text beside its button', async () => {
  page = new TestPage(shop())
  page.actions.trigger.mockRejectedValue(new RequestError(403, 'Forbidden', 'viewers may not trigger'))
  await page.open('#/s/shop/r/a')
  await page.click('Trigger')
  const button = page.button('Trigger')
  const text = page.find(`#${CSS.escape(button.getAttribute('aria-describedby') ?? '')}`)
  expect(text.textContent).toBe('You may not do this: viewers may not trigger')
})

test('a request is "asked…" until its effect is seen', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop/r/a')
  await page.click('Trigger')
  expect(page.button('asked…').getAttribute('aria-busy')).toBe('true')
  await page.show(session([job('a', { waiting: { waitReason: 'waiting-for-slot' } })]))
  expect(page.button('Trigger').getAttribute('aria-busy')).toBe('false')
})

test('what a viewer may not do is disabled, with the reason', async () => {
  page = new TestPage(shop())
  page.user.value = { name: 'eve', viewOnly: true }
  await page.open('#/s/shop/r/a')
  await page.click('Trigger')
  await page.key('e', document.body)
  expect(page.button('Trigger').getAttribute('aria-disabled')).toBe('true')
  expect(page.texts('.head .actions > .muted')).toEqual(['Your login may look, and change nothing.'])
  expect(page.actions.trigger).not.toHaveBeenCalled()
  expect(page.actions.disable).not.toHaveBeenCalled()
})

test('several rows are disabled at once, after a question', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  await act(() => page.find('tr[data-name=a] input').click())
  await act(() => {
    page.find('tr[data-name=c] input').dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }))
  })
  expect(page.texts('.bulk strong')).toEqual(['3 resources selected'])
  await page.click('Disable')
  expect(page.actions.disable).not.toHaveBeenCalled()
  await act(async () => page.find<HTMLButtonElement>('dialog .danger').click())
  expect(page.actions.disable).toHaveBeenCalledWith('shop', ['a', 'b', 'c'])
})

test('names and links that are hostile are text, and lead nowhere', async () => {
  const name = '<img src=x onerror=alert(1)>\u202egnp'
  page = new TestPage(session([job(name, failed)]))
  const links = [
    { url: 'javascript:alert(1)', name: 'x' },
    { url: 'https://example.org/a', name: '\u202ehttps://b' },
  ]
  page.ui.value = new Map([[name, resource('r', { endpointLinks: links, dependencies: ['javascript:alert(1)'] })]])
  await page.open('#/s/shop')
  expect(names()).toEqual(['<img src=x onerror=alert(1)>⟨U+202E⟩gnp'])
  await page.open(`#/s/shop/r/${encodeURIComponent(name)}`)
  expect(page.root.querySelector('img')).toBeNull()
  const outside = [...page.root.querySelectorAll<HTMLAnchorElement>('a[target]')]
  expect(outside.map((a) => [a.getAttribute('href'), a.rel])).toEqual([
    ['https://example.org/a', 'noopener noreferrer'],
  ])
  expect([...page.root.querySelectorAll('a')].some((a) => a.getAttribute('href')?.startsWith('javascript'))).toBe(false)
})

test('what turns the direction of text is spelt out wherever a row says why it waits', async () => {
  const name = '\u202egnp'
  page = new TestPage(session([job(name, failed), job('b', waitingFor(`${name}:update`))]))
  const turned = () =>
    [...page.root.querySelectorAll('*')].filter((e) => /\u202e/.test(`${e.textContent}${(e as HTMLElement).title}`))
  await page.open('#/s/shop')
  expect(turned()).toEqual([])
  await page.open('#/s/shop/r/b')
  expect(page.texts('.chain .wraps')).toEqual(['for ⟨U+202E⟩gnp (failed)', 'exit code 3'])
  expect(turned()).toEqual([])
})

test('why a resource waits is a chain of links down to its root', async () => {
  page = new TestPage(session([job('a', failed), job('b', waitingFor('a:update')), job('c', waitingFor('b:update'))]))
  await page.open('#/s/shop/r/c')
  expect(page.texts('.chain strong, .chain a')).toEqual(['c', 'b', 'a'])
  await page.open('#/s/shop/r/a')
  expect(page.texts('[aria-label="What waits for this"] a')).toEqual(['b', 'c'])
})

test('a failed ci has its failures first, and says how it ended', async () => {
  const conditions = [
    { type: 'Failed', status: 'True', reason: 'TargetFailed', message: '', lastTransitionTime: '2026-01-02T10:00:02Z' },
  ]
  const done = { exitCondition: 'ci', done: true, error: 'b failed', conditions } as const
  page = new TestPage(session([job('b', failed), job('c', waitingFor('b:update'))], done as never))
  await page.open('#/s/shop')
  expect(page.texts('.failure h2')).toEqual(['b'])
  expect(page.texts('.failure .inline a')).toEqual(['c'])
  expect(page.texts('.notice strong')).toEqual(['This run has ended with 1.'])
})

test('the last lines of a failure are those of its commands, indented as they were', async () => {
  const line = (text: string, own = false) => ({ seq: 0, time: '', resource: 'a', level: 'info', text, own }) as const
  const fails = (text: string) => ({ ...line(text), level: 'error' }) as const
  const shown = () => page.find('[aria-label="Last lines of a"] pre').textContent?.split('\n')
  const trace = Array.from({ length: 12 }, (_, i) => line(`${' '.repeat(i % 3)}line ${i}`))
  page = new TestPage(session([job('a', failed)]))
  page.lines = [line('Running cmd: x', true), ...trace, line(''), fails('Build Failed: exit status 3')]
  await page.open('#/s/shop?view=failures')
  expect(shown()).toEqual(trace.slice(2).map(({ text }) => text))
  page.close()
  page.lines = [...trace, fails('Build Failed: of another tool')]
  await page.open('#/s/shop?view=failures')
  expect(shown()).toEqual([...trace.slice(3).map(({ text }) => text), 'Build Failed: of another tool'])
})

test('a server that does not answer leaves what was seen, and says so', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  const since = Date.parse('2026-01-02T10:00:48Z')
  await act(() => {
    page.link.value = { state: 'stale', since, retry: since + 14_000, reason: 'connection refused' }
  })
  expect(page.texts('.notice strong')).toEqual(['Stale since 12s'])
  expect(page.find('main').className).toBe('stale')
  expect(names()).toEqual(['a', 'b', 'c'])
  await page.click('Retry now')
  expect(page.retry).toHaveBeenCalledTimes(1)
})

test.each([
  [{ state: 'login', reason: 'The login has ended.' } as const, 'Log in'],
  [{ state: 'forbidden', reason: 'no' } as const, 'You may not read Sessions here'],
])('%j is a page of its own', async (link, title) => {
  page = new TestPage(shop())
  page.link.value = link
  await page.open('#/s/shop')
  expect(page.texts('h1')).toEqual([title])
})

test.each([
  ['10350', 'tilt-session ui'],
  ['11350', 'tilt-session ui --port 11350'],
  ['', 'tilt-session ui'],
])('a page of port %j names the command for a login', (port, want) => {
  expect(command({ port })).toBe(want)
})

test.each([
  ['#/s/other', 'There is no Session other'],
  ['#/s/shop/graph', 'There is no such page'],
  ['#/x', 'There is no such page'],
  ['#/s/shop/r/a/b', 'There is no such page'],
  ['#/s/shop/r/zzz', 'There is no resource zzz'],
  ['#/s/shop?uid=uid-0&seq=4&view=log', 'This link is of an earlier run'],
])('%s says what is missing', async (fragment, title) => {
  page = new TestPage(shop())
  await page.open(fragment)
  expect(page.texts('main h1')).toEqual([title])
})

test('a Session that is deleted says so', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  await page.show()
  expect(page.texts('main h1')).toEqual(['The Session shop was deleted'])
})

test('to change the arguments opens their field, also where it is', async () => {
  page = new TestPage(shop())
  await page.open('#/s/shop')
  for (let i = 0; i < 2; i++) {
    await page.click('Actions of the Session')
    await act(async () => page.find<HTMLElement>('[role=menuitem]:nth-of-type(2)').click())
    expect(page.find<HTMLDetailsElement>('.args').open).toBe(true)
    expect(document.activeElement?.tagName).toBe('TEXTAREA')
    expect(route.value).toEqual({ session: 'shop', view: 'tiltfile', params: {} })
    page.find<HTMLDetailsElement>('.args').open = false
  }
})

test('a button asks for its inputs, but not for the hidden ones', async () => {
  page = new TestPage(shop())
  const button = {
    metadata: { name: 'b' },
    spec: {
      location: { componentID: 'a', componentType: 'Resource' },
      text: 'Seed',
      inputs: [
        { name: 'SIZE', label: 'Size', choice: { choices: ['s', 'l'] } },
        { name: 'FORCE', bool: { defaultValue: true } },
        { name: 'NOTE', text: { defaultValue: 'hi' } },
        { name: 'TOKEN', hidden: { value: 'x' } },
      ],
    },
    status: {},
  } as unknown as UIButton
  page.buttons.value = new Map([['b', button]])
  await page.open('#/s/shop/r/a')
  await page.click('Seed…')
  expect([...page.root.querySelectorAll('dialog [name]')].map((e) => e.getAttribute('name'))).toEqual([
    'SIZE',
    'FORCE',
    'NOTE',
  ])
  await act(async () => page.find<HTMLFormElement>('dialog form').requestSubmit())
  expect(page.actions.press).toHaveBeenCalledWith(button, { SIZE: 's', FORCE: true, NOTE: 'hi' })
})

test('a button that was pressed says so for some seconds, with a link to the log', async () => {
  vi.useFakeTimers()
  page = new TestPage(shop())
  const location = { componentID: 'a', componentType: 'Resource' }
  const button = { metadata: { name: 'b' }, spec: { location, text: 'Reset DB' }, status: {} } as unknown as UIButton
  page.buttons.value = new Map([['b', button]])
  await page.open('#/s/shop/r/a')
  const said = () => page.texts('.head [role=status]')
  expect(said()).toEqual([''])
  await page.click('Reset DB')
  expect(page.actions.press).toHaveBeenCalledWith(button, {})
  expect(said()).toEqual(['Reset DB pressed Log'])
  expect(page.find('.head [role=status] a').getAttribute('href')).toBe('#/s/shop?view=log')
  await act(() => {
    vi.runOnlyPendingTimers()
  })
  expect(said()).toEqual([''])
})

test.each<[Partial<UIResource['status']>, string]>([
  [{}, 'at the start, and when its files change'],
  [{ triggerMode: 2 }, 'on request'],
])('a resource with %j runs %s', async (status, want) => {
  page = new TestPage(shop())
  page.ui.value = new Map([['a', resource('a', status)]])
  await page.open('#/s/shop/r/a')
  expect(page.texts('.facts > div')).toContain(`Runs${want}`)
})
