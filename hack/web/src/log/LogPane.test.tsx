// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// @vitest-environment happy-dom
import { signal } from '@preact/signals'
import { render } from 'preact'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Session } from '../api/types'
import { type App, AppContext } from '../app'
import { go, route } from '../router'
import { settings } from '../settings'
import { type Link, RequestError } from '../state/state'
import { FakeLogs, line, lines } from './fake.testing'
import { logKeys } from './keys'
import { LogPane } from './LogPane'

const height = 600
const root = document.createElement('div')
document.body.append(root)

const link = signal<Link>({ state: 'live' })
const sessions = signal<ReadonlyMap<string, Session>>(new Map())

function show(logs: FakeLogs, resources: string[] = []): void {
  const app = {
    state: { sessions, link, resources: () => signal(new Map()) },
    logs,
    now: () => 0,
  } as unknown as App
  render(
    <AppContext.Provider value={app}>
      <LogPane session="demo" resources={resources} />
    </AppContext.Provider>,
    root,
  )
}

const all = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)]
const one = (selector: string) => root.querySelector<HTMLElement>(selector)
const numbers = () => all('.log-gutter').map((gutter) => Number(gutter.dataset.seq))
const scroller = () => one('.log-scroll') as HTMLElement
const shows = (seq: number) => vi.waitFor(() => expect(numbers()).toContain(seq))
const says = (text: string) => vi.waitFor(() => expect(root.textContent).toContain(text))

function press(key: string, at: Element = scroller(), more: KeyboardEventInit = {}): boolean {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more })
  let handled = false
  const listener = (pressed: Event) => {
    handled = logKeys(pressed as KeyboardEvent)
  }
  document.addEventListener('keydown', listener)
  at.dispatchEvent(event)
  document.removeEventListener('keydown', listener)
  return handled || event.defaultPrevented
}

function button(name: string): HTMLElement {
  const found = all('button').find((candidate) => candidate.textContent?.includes(name))
  if (!found) throw new Error(`no button ${name}`)
  return found
}

function type(label: string, text: string): void {
  const field = all('.log-field')
    .find((candidate) => candidate.textContent === label)
    ?.querySelector('input')
  if (!field) throw new Error(`no field ${label}`)
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
}

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(height)
  settings.wrap.value = false
  settings.keys.value = true
  settings.timestamps.value = 'off'
  const session = { metadata: { name: 'demo', uid: 'u2' }, spec: {}, status: { done: false } } as unknown as Session
  sessions.value = new Map([['demo', session]])
  link.value = { state: 'live' }
  go({ session: 'demo', params: {} }, true)
})

afterEach(() => {
  render(null, root)
  vi.restoreAllMocks()
})

describe('LogPane', () => {
  it('draws few rows of 100,000 lines, and gets to both ends', async () => {
    show(new FakeLogs(lines(1, 100_000)))
    await shows(100_000)
    expect(all('.log-row').length).toBeLessThan(200)
    press('Home')
    await shows(1)
    expect(numbers()).not.toContain(100_000)
    expect(all('.log-row').length).toBeLessThan(200)
    press('End')
    await shows(100_000)
  })

  it('follows until the user scrolls up, and says how much is new', async () => {
    const logs = new FakeLogs(lines(1, 1000))
    show(logs)
    await shows(1000)
    logs.write(line(1001))
    await shows(1001)
    scroller().scrollTop -= 100
    scroller().dispatchEvent(new Event('scroll'))
    await vi.waitFor(() => expect(one('.log-pill')?.textContent).toContain('To the end'))
    const read = scroller().scrollTop
    logs.write(line(1002), line(1003))
    await vi.waitFor(() => expect(one('.log-pill')?.textContent).toBe('2 new lines ↓'))
    expect(scroller().scrollTop).toBe(read)
    one('.log-pill')?.click()
    await shows(1003)
    expect(one('.log-pill')).toBeNull()
  })

  it('shows hostile text as text', async () => {
    const text =
      '<img src=x onerror=alert(1)>\u202e\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007 http://a.test/x.'
    show(new FakeLogs([line(1, { text, resource: '<b>"x' })]))
    await shows(1)
    expect(one('.log-text')?.textContent).toBe('<img src=x onerror=alert(1)>⟨U+202E⟩click http://a.test/x.')
    expect(all('.log-text a').map((a) => [a.getAttribute('href'), a.getAttribute('rel')])).toEqual([
      ['http://a.test/x', 'noopener noreferrer'],
    ])
    expect(all('img, b')).toEqual([])
    expect(one('.log-resource')?.textContent).toBe('<b>"x')
  })

  it('filters on the server, in the address', async () => {
    const logs = new FakeLogs(lines(1, 100))
    show(logs)
    await shows(100)
    type('Filter', 'line 5')
    await vi.waitFor(() => expect(route.value.params.q).toBe('line 5'))
    await vi.waitFor(() => expect(numbers()).toEqual([5, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]))
    expect(logs.queries.at(-1)?.grep).toBe('(?i)line 5')
    expect(all('mark').length).toBe(11)
    button('Show all lines').click()
    await shows(100)
    expect(route.value.params.q).toBeUndefined()
  })

  it('says that an expression is not valid', async () => {
    const logs = new FakeLogs(lines(1, 3))
    show(logs)
    await shows(3)
    logs.refusal = new RequestError(422, 'Invalid', 'grep: missing closing )')
    go({ session: 'demo', params: { q: '(', re: '1' } }, true)
    await says('missing closing )')
    expect(one('.log-field input')?.getAttribute('aria-invalid')).toBe('true')
  })

  it('finds in the whole log', async () => {
    show(new FakeLogs(lines(1, 10_000, (seq) => ({ text: seq % 1000 === 0 ? `hit ${seq}` : `line ${seq}` }))))
    await shows(10_000)
    expect(press('f')).toBe(true)
    await vi.waitFor(() => type('Find', 'hit'))
    await says('10/10')
    expect(press('n')).toBe(true)
    await shows(1000)
    await says('1/10')
    expect(press('N')).toBe(true)
    await shows(10_000)
    expect(press('Escape')).toBe(true)
    await vi.waitFor(() => expect(one('.log-find')).toBeNull())
    expect(press('Escape')).toBe(false)
  })

  it('links to a line, to several, and opens there', async () => {
    show(new FakeLogs(lines(1, 5000)))
    await shows(5000)
    one('[data-seq="4990"]')?.click()
    await vi.waitFor(() => expect(route.value.params).toEqual({ seq: '4990', uid: 'u2' }))
    one('[data-seq="4993"]')?.dispatchEvent(
      new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey: true }),
    )
    await vi.waitFor(() => expect(all('.log-selected')).toHaveLength(4))
    expect(route.value.params.to).toBe('4993')
    go({ session: 'demo', params: { seq: '2000', uid: 'u2' } })
    await shows(2000)
    expect(one('.log-selected .log-gutter')?.dataset.seq).toBe('2000')
  })

  it('copies the lines of a link as they are seen', async () => {
    const written: string[] = []
    vi.stubGlobal('navigator', { clipboard: { writeText: async (text: string) => written.push(text) } })
    go({ session: 'demo', params: { seq: '10', to: '11', uid: 'u2' } }, true)
    show(new FakeLogs(lines(1, 3000)))
    await shows(10)
    expect(press('c')).toBe(true)
    await vi.waitFor(() => expect(written).toEqual(['api │ line 10\napi │ line 11\n']))
    await vi.waitFor(() => expect(one('.log-said')?.textContent).toBe('Copied'))
    vi.unstubAllGlobals()
  })

  it('has what is looked for in the address, and shows the line of a link nevertheless', async () => {
    go({ session: 'demo', params: { seq: '100', find: 'line 2999' } }, true)
    show(new FakeLogs(lines(1, 3000)))
    await shows(100)
    await says('1')
    await vi.waitFor(() => expect(one('.log-count')?.textContent).toBe('1'))
    expect(numbers()).toContain(100)
    press('n')
    await shows(2999)
    expect(all('.log-current')).toHaveLength(1)
    go({ session: 'demo', params: { seq: '1500', find: 'line 10' } }, true)
    await shows(1500)
    await vi.waitFor(() => expect(one('.log-count')?.textContent).toBe('111'))
    expect(numbers()).toContain(1500)
    press('Escape')
    expect(route.value.params.find).toBeUndefined()
  })

  it('offers the lines that the mouse has selected, where they are more than are drawn', async () => {
    show(new FakeLogs(lines(1, 3000)))
    await shows(3000)
    all('.log-text')
      .at(-1)
      ?.dispatchEvent(new MouseEvent('mousedown', { bubbles: true }))
    press('Home')
    await shows(1)
    all('.log-text')[4]?.dispatchEvent(new MouseEvent('mouseup', { bubbles: true }))
    await says('Copy lines 5–3000')
    expect([route.value.params.seq, route.value.params.to]).toEqual(['5', '3000'])
    all('.log-text')[4]?.dispatchEvent(new MouseEvent('mousedown', { bubbles: true }))
    all('.log-text')[7]?.dispatchEvent(new MouseEvent('mouseup', { bubbles: true }))
    await says('Copy lines 5–3000')
  })

  it.each([
    [403, 'You may not read the log.'],
    [404, 'There is no such log.'],
    [409, 'This server doesn’t run the Session'],
  ])('says what %i means', async (code, text) => {
    const logs = new FakeLogs([])
    logs.refusal = new RequestError(code, '', 'because')
    show(logs)
    await says(text)
    await says('because')
    logs.refusal = undefined
    button('Try again').click()
    await says('No lines yet.')
  })

  it('says what is missing, and that the run has ended', async () => {
    const logs = new FakeLogs([line(13, { missed: 12 })])
    show(logs)
    await says('12 lines of api were dropped')
    logs.end()
    await says('the log has ended')
  })

  it('says that it is stale', async () => {
    show(new FakeLogs(lines(1, 3)))
    await shows(3)
    link.value = { state: 'stale', since: 0, retry: 0, reason: 'no answer' }
    await says('Not connected: no answer')
  })

  it('has keys only while they are wanted, and not in a field', async () => {
    show(new FakeLogs(lines(1, 3)))
    await shows(3)
    expect(press('w')).toBe(true)
    expect(settings.wrap.value).toBe(true)
    expect(press('z')).toBe(true)
    expect(settings.timestamps.value).toBe('clock')
    expect(press('w', one('input') as HTMLElement)).toBe(false)
    settings.keys.value = false
    expect(press('w')).toBe(false)
    settings.keys.value = true
    expect(press('f', scroller(), { ctrlKey: true })).toBe(false)
    await says('sees only the lines on the screen')
  })

  it('moves from line to line by keys', async () => {
    show(new FakeLogs(lines(1, 100)))
    await shows(100)
    const last = one('[data-seq="100"]')
    last?.focus()
    press('ArrowUp', last as HTMLElement)
    await vi.waitFor(() => expect((document.activeElement as HTMLElement).dataset.seq).toBe('99'))
    expect(all('.log-gutter[tabindex="0"]')).toHaveLength(1)
  })

  it('keeps the filter of a Session', async () => {
    show(new FakeLogs(lines(1, 100)), ['api'])
    await shows(100)
    type('Filter', 'line 7')
    await vi.waitFor(() => expect(route.value.params.q).toBe('line 7'))
    render(null, root)
    go({ session: 'demo', resource: 'web', params: {} }, true)
    show(new FakeLogs(lines(1, 100)), ['api'])
    await vi.waitFor(() => expect(route.value.params.q).toBe('line 7'))
    await vi.waitFor(() => expect(numbers()).toContain(7))
    button('Show all lines').click()
    await vi.waitFor(() => expect(route.value.params.q).toBeUndefined())
  })
})
