// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Availability, Link, LogQuery } from '../state/state'
import type { Delta, SessionChange } from './store'
import type { LogLine, UIButton, UIResource } from './types'

/** Request is what a tab sends to the hub, which holds the streams of all tabs. */
export type Request =
  /** The first message. A tab holds the Web Lock of this name as long as it lives. */
  | { type: 'hello'; page: string; secret?: string | undefined; lock?: string | undefined }
  /** The login of all tabs; its end without a secret. */
  | { type: 'login'; secret?: string | undefined }
  /** Whether the tab is seen, or not for so long that it wants nothing. */
  | { type: 'seen'; seen: 'yes' | 'no' | 'long' }
  /** The tab has taken over what it was sent. It is sent nothing more before. */
  | { type: 'ready' }
  /** The network may be back, or the user wants an attempt now. */
  | { type: 'wake' }
  | { type: 'follow'; id: number; query: LogQuery }
  | { type: 'unfollow'; id: number }
  | { type: 'bye' }

/** Refusal is a RequestError between threads. */
export interface Refusal {
  code: number
  reason: string
  message: string
}

/** Update is what has changed since the previous one. */
export interface Update {
  type: 'update'
  link?: Link
  ui?: Availability
  sessions?: Delta<SessionChange>
  resources?: Delta<UIResource>
  buttons?: Delta<UIButton>
}

/** Message is what the hub sends to a tab. */
export type Message =
  /** The answer to a hello. The hub holds the Web Lock of this name as long as it lives. */
  | { type: 'welcome'; lock?: string | undefined }
  | Update
  | { type: 'lines'; id: number; lines: LogLine[] }
  /** The end of some updates and lines, which the tab answers with ready. */
  | { type: 'sync' }
  | { type: 'ended'; id: number; error?: Refusal }
  /** The time of the server less that of this machine in ms, at least. */
  | { type: 'time'; offset: number }
