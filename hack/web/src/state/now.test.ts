// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// @vitest-environment happy-dom
import { effect } from '@preact/signals'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Offset } from '../api/clock'
import { Ticker } from './now'

const start = Date.UTC(2026, 0, 2, 3, 4, 5, 300)

beforeEach(() => {
  vi.useFakeTimers({ now: start })
})

afterEach(() => {
  vi.useRealTimers()
})

test('ticks each second while it counts and is looked at, and has no timer else', () => {
  const ticker = new Ticker()
  expect(vi.getTimerCount()).toBe(0)
  const seen: number[] = []
  const end = effect(() => {
    seen.push(ticker.now() - start)
  })
  expect(vi.getTimerCount()).toBe(0)
  ticker.count(true)
  vi.advanceTimersByTime(2_000)
  expect(seen).toEqual([-300, 700, 1_700])
  ticker.count(false)
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(5_000)
  expect(seen).toHaveLength(3)
  expect(ticker.now() - start).toBe(6_700)
  ticker.count(true)
  expect(vi.getTimerCount()).toBe(1)
  end()
  expect(vi.getTimerCount()).toBe(0)
})

test('what depends on minutes runs once in each', () => {
  const ticker = new Ticker()
  ticker.count(true)
  const seen: number[] = []
  const end = effect(() => {
    seen.push(ticker.now('minute') - start)
  })
  vi.advanceTimersByTime(130_000)
  expect(seen).toEqual([-5_300, 54_700, 114_700])
  end()
})

test('has no timer while the page is hidden', () => {
  const ticker = new Ticker()
  ticker.count(true)
  const end = effect(() => {
    ticker.now()
  })
  const visibility = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  document.dispatchEvent(new Event('visibilitychange'))
  expect(vi.getTimerCount()).toBe(0)
  visibility.mockReturnValue('visible')
  document.dispatchEvent(new Event('visibilitychange'))
  expect(vi.getTimerCount()).toBe(1)
  end()
  visibility.mockRestore()
})

test.each([
  [0, 0],
  [-900, 0],
  [1_500, 0],
  [60_000, 60_000],
  [-3_600_000, -3_600_000],
])('a clock of the server that is %i ms ahead is corrected by %i', (ahead, corrected) => {
  const offset = new Offset()
  const answer = (late: number) =>
    new Response(null, { headers: { Date: new Date(Date.now() + ahead - late).toUTCString() } })
  vi.setSystemTime(Date.UTC(2026, 0, 2, 3, 4, 5))
  for (const late of [900, 0, 400]) offset.heard(answer(late))
  expect(offset.value).toBe(corrected)
  expect(offset.heard(new Response(null))).toBe(false)
})
