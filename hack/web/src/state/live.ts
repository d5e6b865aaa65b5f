// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { effect } from '@preact/signals'
import { Client, pageURL } from '../api/client'
import { Offset } from '../api/clock'
import { Connection } from '../api/connect'
import { type Code, codeOf, login, onOtherSecret, savedSecret, saveSecret, whoami } from '../api/login'
import type { Message } from '../api/protocol'
import { codeFailed, codeRefused } from '../api/reasons'
import type { App } from '../app'
import { go, parse } from '../router'
import { settings } from '../settings'
import { requests } from './actions'
import { readers } from './logs'
import { Mirror } from './mirror'
import { Ticker } from './now'
import type { Link, RequestError } from './state'

/** createApp returns the App of this page, which connects with the server that the page is from. */
export function createApp(): App {
  const live = new Live()
  onOtherSecret((secret) => live.other(secret))
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
  readonly actions = requests(
    this.client,
    () => Date.now() + this.ticker.offset,
    () => {
      saveSecret(undefined)
      this.adopt(undefined)
    },
  )
  readonly logs = readers(this.client, this.connection)

  /** start logs in if there is a code, and connects. */
  async start(code: Code | undefined): Promise<void> {
    effect(() => {
      const running = [...this.mirror.sessions.value.values()].some((session) => !session.status?.done)
      this.ticker.count(running || this.mirror.link.value.state !== 'live')
    })
    this.connection.watchTab(() => settings.notify.peek())
    this.client.secret = savedSecret()
    if (code) await this.use(code)
    void this.ask()
    await this.connection.start(this.page, this.client.secret)
  }

  /** use logs in with a code. */
  async use({ code }: Code): Promise<void> {
    try {
      const secret = await login(this.client, code)
      this.refused = undefined
      this.adopt(secret)
    } catch (error) {
      const { code, message } = error as RequestError
      this.refused = code === 401 ? codeRefused : codeFailed(message)
      const { link } = this.mirror
      if (link.peek().state === 'login') link.value = { state: 'login', reason: this.refused }
    }
  }

  /** other uses the login of another tab. A page without a server may be of an earlier build, and is loaded again. */
  other(secret: string | undefined): void {
    const { state } = this.mirror.link.peek()
    if (secret && (state === 'login' || state === 'stale')) location.reload()
    else this.adopt(secret)
  }

  retry(): void {
    this.connection.send({ type: 'wake' })
  }

  private adopt(secret: string | undefined): void {
    this.client.secret = secret
    this.mirror.user.value = undefined
    this.connection.send({ type: 'login', secret })
    void this.ask()
  }

  private receive(message: Message): void {
    if (message.type === 'update') {
      const before = this.mirror.link.peek().state
      const link = message.link && this.said(message.link)
      this.mirror.apply(link ? { ...message, link } : message)
      if (before === 'stale' && link?.state === 'live') void this.ask()
    } else if (message.type === 'time') {
      this.ticker.offset = message.offset
    }
  }

  /** said is a Link as this tab shows it: by the server's clock, and with the reason that the user can do most about. */
  private said(link: Link): Link {
    if (link.state === 'live') this.refused = undefined
    if (link.state === 'login' && this.refused) return { ...link, reason: this.refused }
    if (link.state !== 'stale') return link
    const { offset } = this.ticker
    return { ...link, since: link.since + offset, retry: link.retry + offset }
  }

  /** ask finds out who has logged in. */
  private async ask(): Promise<void> {
    const { secret } = this.client
    if (!secret) return
    try {
      const user = await whoami(this.client)
      if (secret === this.client.secret) this.mirror.user.value = user
    } catch {
      // The link tells that the server doesn't answer; it is asked again once it does.
    }
  }

  private heard(answer: Response): void {
    if (this.offset.heard(answer)) this.ticker.offset = this.offset.value
  }
}
