// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { effect } from '@preact/signals'
import { Client, pageURL } from '../api/client'
import { Offset } from '../api/clock'
import { Connection } from '../api/connect'
import { type Code, codeOf, login, savedSecret, saveSecret, whoami } from '../api/login'
import type { Message } from '../api/protocol'
import { codeRefused, loggedOut } from '../api/reasons'
import type { App } from '../app'
import { go, parse } from '../router'
import { settings } from '../settings'
import { requests } from './actions'
import { readers } from './logs'
import { Mirror } from './mirror'
import { Ticker } from './now'
import { RequestError } from './state'

/** createApp returns the App of this page, which connects with the server that the page is from. */
export function createApp(): App {
  const live = new Live()
  void live.start(takeCode())
  addEventListener('hashchange', () => {
    const code = takeCode()
    if (code) void live.use(code)
  })
  const { mirror: state, actions, logs } = live
  return { state, actions, logs, now: (step) => live.ticker.now(step), retry: () => live.retry() }
}

/** takeCode takes a code out of the address, where it must not stay. */
function takeCode(): Code | undefined {
  const code = codeOf(location.hash)
  if (code) go(parse(code.to), true)
  return code
}

class Live {
  readonly mirror = new Mirror()
  readonly ticker = new Ticker()
  private readonly page = pageURL(document.baseURI)
  private readonly offset = new Offset()
  private readonly client = new Client(this.page, undefined, (answer) => this.heard(answer))
  private readonly connection = new Connection((message) => this.receive(message))
  /** Why the last code was refused. */
  private refused: string | undefined
  private connected = false
  /** The secret of a login that the other tabs don't know yet. */
  private fresh: string | undefined
  readonly actions = requests(
    this.client,
    () => Date.now() + this.ticker.offset,
    () => this.out(loggedOut),
  )
  readonly logs = readers(this.client, this.connection)

  /** start logs in if there is a code, and connects. */
  async start(code: Code | undefined): Promise<void> {
    effect(() => {
      const running = [...this.mirror.sessions.value.values()].some((session) => !session.status?.done)
      this.ticker.count(running || this.mirror.link.value.state !== 'live')
    })
    this.connection.watchTab(() => settings.notify.peek())
    if (code) await this.use(code)
    const secret = this.client.secret ?? savedSecret()
    this.client.secret = secret
    await this.connection.start(this.page, secret)
  }

  /** use logs in with a code. */
  async use(code: Code): Promise<void> {
    try {
      const secret = await login(this.client, code)
      this.refused = undefined
      if (!secret) return
      saveSecret(secret, code.stay)
      this.client.secret = secret
      if (this.connected) this.connection.send({ type: 'login', secret })
      else this.fresh = secret
      if (this.connected) await this.ask()
    } catch (error) {
      if (!(error instanceof RequestError) || error.code !== 401) return
      this.refused = codeRefused
      const { link } = this.mirror
      if (link.peek().state === 'login') link.value = { state: 'login', reason: codeRefused }
    }
  }

  retry(): void {
    this.connection.send({ type: 'wake' })
  }

  private receive(message: Message): void {
    if (message.type === 'update') {
      const before = this.mirror.link.peek().state
      if (message.link?.state === 'login' && this.refused) message.link.reason = this.refused
      this.mirror.apply(message)
      if (before === 'stale' && message.link?.state === 'live') void this.ask()
    } else if (message.type === 'welcome') {
      this.connected = true
      // The cookie is that of the newest login, whatever the other tabs had before.
      if (this.fresh) this.connection.send({ type: 'login', secret: this.fresh })
      else if (message.secret) this.keep(message.secret)
      this.fresh = undefined
      void this.ask()
    } else if (message.type === 'login') {
      if (this.keep(message.secret)) void this.ask()
    } else if (message.type === 'time') {
      this.ticker.offset = message.offset
    }
  }

  /** keep tells whether the secret is another one. */
  private keep(secret: string | undefined): boolean {
    if (secret === this.client.secret) return false
    this.client.secret = secret
    saveSecret(secret)
    return true
  }

  /** ask finds out who has logged in. */
  private async ask(): Promise<void> {
    try {
      const user = await whoami(this.client)
      this.mirror.user.value = user === 'none' ? undefined : user
    } catch {
      // The link tells that the server doesn't answer; it is asked again once it does.
    }
  }

  private out(reason: string): void {
    saveSecret(undefined)
    this.client.secret = undefined
    this.mirror.user.value = undefined
    this.connection.send({ type: 'login', reason })
  }

  private heard(answer: Response): void {
    if (this.offset.heard(answer)) this.ticker.offset = this.offset.value
  }
}
