// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { signal } from '@preact/signals'
import { render } from 'preact'
import { act } from 'preact/test-utils'
import { vi } from 'vitest'
import type { LogLine, Session, Target, UIButton, UIResource } from '../api/types'
import { type App, AppContext } from '../app'
import { parse, route } from '../router'
import type { Actions, Availability, Link } from '../state/state'
import { Shell } from './Shell'

export const start = '2026-01-02T10:00:00.000000Z'
const now = Date.parse(start) + 60_000

/** job is a target of a resource that runs to an end. */
export function job(resource: string, state: Target['state'] = {}): Target {
  return { name: `${resource}:update`, type: 'job', resources: [resource], state }
}

export const succeeded = { terminated: { startTime: start, finishTime: '2026-01-02T10:00:03.000000Z', exitCode: 0 } }
export const failed = {
  terminated: { startTime: start, finishTime: '2026-01-02T10:00:02.000000Z', exitCode: 3, error: 'exit status 3' },
}
export const waitingFor = (...on: string[]) => ({ waiting: { waitReason: 'waiting-for-dep', since: start, on } })
export const disabled = { disabled: {} }

/** session is a Session of targets. */
export function session(targets: Target[], change: Partial<Session['status'] & Session['spec']> = {}): Session {
  const { exitCondition = 'manual', args = [], ttlSecondsAfterFinished: _, ...status } = change
  return {
    metadata: { name: 'shop', uid: 'uid-1', creationTimestamp: start },
    spec: { tiltfilePath: '/src/shop/Tiltfile', exitCondition, args },
    status: { pid: 1, startTime: start, targets, done: false, ...status },
  } as Session
}

/** resource is a UIResource with some of its status. */
export function resource(name: string, status: Partial<UIResource['status']>, labels: string[] = []): UIResource {
  return {
    metadata: { name, labels: Object.fromEntries(labels.map((label) => [label, label])) },
    status: { disableStatus: {}, ...status },
  } as UIResource
}

/** TestPage is the page with an App that a test controls. */
export class TestPage {
  readonly root = document.createElement('div')
  readonly link = signal<Link>({ state: 'live' })
  readonly sessions = signal<ReadonlyMap<string, Session>>(new Map())
  readonly ui = signal<ReadonlyMap<string, UIResource>>(new Map())
  readonly buttons = signal<ReadonlyMap<string, UIButton>>(new Map())
  readonly user = signal<{ name: string; viewOnly: boolean } | undefined>(undefined)
  lines: LogLine[] = []
  readonly retry = vi.fn<App['retry']>()
  readonly actions = {
    trigger: vi.fn<Actions['trigger']>(async () => undefined),
    enable: vi.fn<Actions['enable']>(async () => undefined),
    disable: vi.fn<Actions['disable']>(async () => undefined),
    args: vi.fn<Actions['args']>(async () => undefined),
    press: vi.fn<Actions['press']>(async () => undefined),
    create: vi.fn<Actions['create']>(async () => undefined),
    remove: vi.fn<Actions['remove']>(async () => undefined),
    logout: vi.fn<Actions['logout']>(async () => undefined),
  }

  constructor(...sessions: Session[]) {
    this.sessions.value = new Map(sessions.map((s) => [s.metadata?.name ?? '', s]))
  }

  async open(fragment: string): Promise<void> {
    const app: App = {
      state: {
        link: this.link,
        sessions: this.sessions,
        resources: () => this.ui,
        buttons: () => this.buttons,
        ui: signal<Availability>('served'),
        user: this.user,
      },
      actions: this.actions,
      logs: { read: async ({ tailLines = 0 }) => this.lines.slice(-tailLines), follow: () => undefined },
      now: () => now,
      retry: this.retry,
    }
    document.body.replaceChildren(this.root)
    route.value = parse(fragment)
    await act(() =>
      render(
        <AppContext.Provider value={app}>
          <Shell />
        </AppContext.Provider>,
        this.root,
      ),
    )
  }

  close(): void {
    render(null, this.root)
  }

  /** show replaces the Sessions. */
  async show(...sessions: Session[]): Promise<void> {
    await act(() => {
      this.sessions.value = new Map(sessions.map((s) => [s.metadata?.name ?? '', s]))
    })
  }

  find<T extends Element = HTMLElement>(selector: string): T {
    const found = this.root.querySelector<T>(selector)
    if (!found) throw new Error(`nothing is ${selector} in ${this.root.innerHTML}`)
    return found
  }

  texts(selector: string): string[] {
    return [...this.root.querySelectorAll(selector)].map((e) => (e.textContent ?? '').trim())
  }

  /** button is the first one with a label or text. */
  button(name: string): HTMLButtonElement {
    const all = [...this.root.querySelectorAll<HTMLButtonElement>('button')]
    const found = all.find((b) => b.getAttribute('aria-label') === name || b.textContent?.trim() === name)
    if (!found) throw new Error(`no button ${name} among ${all.map((b) => b.textContent)}`)
    return found
  }

  async click(name: string): Promise<void> {
    await act(async () => this.button(name).click())
  }

  async key(
    key: string,
    target: Element = document.activeElement ?? document.body,
    more: KeyboardEventInit = {},
  ): Promise<KeyboardEvent> {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more })
    await act(async () => {
      target.dispatchEvent(event)
    })
    return event
  }
}
