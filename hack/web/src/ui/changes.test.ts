// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// @vitest-environment happy-dom

import { expect, test } from 'vitest'
import type { Session } from '../api/types'
import { rowsOf } from '../model/rows'
import { summarize } from '../model/summary'
import { changesOf, Pace, phrase, type Seen } from './changes'
import { windowOf } from './entries'
import { failed, job, session, start, succeeded, waitingFor } from './page.testing'

const look = (of: Session, before?: Seen): Seen => ({
  rows: rowsOf(of, undefined, before?.rows),
  summary: summarize(of, 0),
})

const running = { active: { startTime: start, ready: false } }

test('failures, recoveries and the verdict are changes; what is there at first is not', () => {
  const first = look(session([job('a', failed), job('b', waitingFor('a:update'))]))
  const broken = new Set<string>()
  expect(changesOf(undefined, first, broken)).toEqual([])
  const again = look(session([job('a', running), job('b', waitingFor('a:update'))]), first)
  expect(changesOf(first, again, broken)).toEqual([])
  const second = look(session([job('a', succeeded), job('b', failed)]), again)
  expect(changesOf(again, second, broken)).toEqual([
    { kind: 'recovered', text: 'a has succeeded' },
    { kind: 'failed', text: 'b failed, exit code 3' },
  ])
  expect(changesOf(second, second, broken)).toEqual([])
  const conditions = [{ type: 'Failed', status: 'True', reason: 'TargetFailed', message: '', lastTransitionTime: '' }]
  const last = look(session([job('a', succeeded), job('b', failed)], { done: true, conditions } as never), second)
  expect(changesOf(second, last, broken)).toEqual([{ kind: 'finished', text: 'shop has failed' }])
})

test('what comes in between is said together, once the pause is over', () => {
  const pace = new Pace(2000)
  expect(pace.take(0)).toEqual({ text: '', next: -1 })
  pace.add('a')
  expect(pace.take(100)).toEqual({ text: 'a', next: -1 })
  pace.add('b')
  pace.add('c', 'd', 'e')
  expect(pace.take(600)).toEqual({ text: '', next: 1500 })
  expect(pace.take(2100)).toEqual({ text: 'b. c. d. 1 more change', next: -1 })
  expect(phrase(['a', 'b'])).toBe('a. b')
})

test.each([
  [100, 0, { from: 0, to: 100 }],
  [1000, 0, { from: 0, to: 35 }],
  [1000, 3200, { from: 90, to: 135 }],
  [1000, 32_000, { from: 990, to: 1000 }],
])('windowOf(%d lines, scrolled by %d)', (total, top, want) => {
  expect(windowOf(total, top, 800, 32)).toEqual(want)
})
