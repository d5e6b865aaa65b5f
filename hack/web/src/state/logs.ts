// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Client } from '../api/client'
import { failed } from '../api/client'
import type { Connection } from '../api/connect'
import { logPath } from '../api/follow'
import { parseLines } from '../api/lines'
import type { LogLine } from '../api/types'
import { type Logs, RequestError } from './state'

/** readers are the Logs: single reads by this tab, what is followed by the hub of all tabs. */
export function readers(client: Client, connection: Pick<Connection, 'follow'>): Logs {
  return {
    async read(query, signal) {
      const answer = await client.get(logPath(query), signal)
      try {
        const text = await answer.text()
        return parseLines<LogLine>(text.split('\n').filter((line) => line !== ''))
      } catch (cause) {
        throw failed(cause, signal)
      }
    },
    follow(query, lines, ended, signal) {
      const over = (error?: { code: number; reason: string; message: string }) =>
        ended(error && new RequestError(error.code, error.reason, error.message))
      connection.follow(query, { lines, ended: over }, signal)
    },
  }
}
