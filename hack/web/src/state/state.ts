// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ReadonlySignal } from '@preact/signals'
import type { LogLine, Session, UIButton, UIResource } from '../api/types'

/** Link is how the page is connected with the server. What is shown of a server that doesn't answer is stale. */
export type Link =
  | { state: 'connecting' }
  | { state: 'live' }
  /** The server hasn't answered since then (ms of the epoch); the next attempt is at `retry`. */
  | { state: 'stale'; since: number; retry: number; reason: string }
  /** The server wants a login, or another one. */
  | { state: 'login'; reason: string }
  /** The user may not read Sessions. */
  | { state: 'forbidden'; reason: string }

/** Kind is a kind of objects that the server may not serve, or that the user may not read. */
export type Availability = 'loading' | 'served' | 'absent' | 'forbidden'

/**
 * State is what the page knows of the server, from LIST and WATCH of the public API. An object that hasn't changed
 * keeps its identity, and so does each element of `status.targets`: what depends on one target compares it by `===`.
 */
export interface State {
  link: ReadonlySignal<Link>
  /** The Sessions by name. */
  sessions: ReadonlySignal<ReadonlyMap<string, Session>>
  /** The UIResources of a Session by the name of the resource in the Tiltfile, "(Tiltfile)" for the Tiltfile. */
  resources(session: string): ReadonlySignal<ReadonlyMap<string, UIResource>>
  /** The UIButtons of a Session by the name of their object. */
  buttons(session: string): ReadonlySignal<ReadonlyMap<string, UIButton>>
  /** Whether UIResources and UIButtons are served. */
  ui: ReadonlySignal<Availability>
  /** The user, as far as the server tells it; undefined where there is no login, such as under "kubectl proxy". */
  user: ReadonlySignal<{ name: string; viewOnly: boolean } | undefined>
}

/** RequestError is the answer of the API to a request that it refused, or that didn't reach it (code 0). */
export class RequestError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
  ) {
    super(message)
  }
}

/** Actions are the requests that change something. Each rejects with a RequestError. */
export interface Actions {
  trigger(session: string, resources: string[]): Promise<void>
  enable(session: string, resources: string[], only?: boolean): Promise<void>
  disable(session: string, resources: string[]): Promise<void>
  args(session: string, args: string[]): Promise<void>
  press(button: UIButton, inputs: Record<string, string | boolean>): Promise<void>
  create(session: { name: string; tiltfilePath: string; exitCondition: 'ci' | 'manual'; args: string[] }): Promise<void>
  remove(session: string): Promise<void>
  logout(): Promise<void>
}

/** LogQuery selects lines of a Session's log; see SessionLogOptions of the API. */
export interface LogQuery {
  session: string
  /** Of these resources, of all if empty. */
  resources: string[]
  sinceSeq?: number
  beforeSeq?: number
  limitLines?: number
  tailLines?: number
  /** A regular expression in RE2's syntax, matched by the server. */
  grep?: string
  level?: 'info' | 'warn' | 'error'
}

/** Logs reads logs. */
export interface Logs {
  /** read resolves with all selected lines. It rejects with a RequestError, or an AbortError of the signal. */
  read(query: LogQuery, signal?: AbortSignal): Promise<LogLine[]>
  /**
   * follow calls `lines` with what is written after `sinceSeq`, in batches, until the signal aborts. It reconnects by
   * itself without gap or repetition. It calls `ended` once the server has ended the log for good, with an error if
   * the server refuses it.
   */
  follow(
    query: LogQuery,
    lines: (batch: LogLine[]) => void,
    ended: (error?: RequestError) => void,
    signal: AbortSignal,
  ): void
}
