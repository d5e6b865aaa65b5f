// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { RequestError } from '../state/state'
import { failed } from './client'

/** Wake is something to wait for that others may end early. */
export class Wake {
  private readonly wakers = new Set<() => void>()

  /** now ends all present waits. */
  now(): void {
    for (const wake of [...this.wakers]) wake()
  }

  /** on calls something at each wake, until what it returns is called. */
  on(wake: () => void): () => void {
    this.wakers.add(wake)
    return () => this.wakers.delete(wake)
  }

  /** wait resolves after so many ms, when it is woken, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        off()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      const off = this.on(end)
      signal.addEventListener('abort', end)
    })
  }
}

/** Backoff is how long to wait after failures in a row: 0.5 s, then twice as long up to 30 s, each with jitter. */
export class Backoff {
  private failures = 0

  constructor(private readonly random: () => number = Math.random) {}

  next(): number {
    const whole = Math.min(30_000, 500 * 2 ** this.failures)
    this.failures++
    return Math.round(whole * (0.75 + 0.25 * this.random()))
  }

  reset(): void {
    this.failures = 0
  }
}

/** Silence is the error of a request that nothing has come from since then, in ms of the epoch. */
export class Silence extends RequestError {
  constructor(
    readonly since: number,
    /** It wasn't silent for too long, but long enough that a wake doubts it: the machine may have slept. */
    readonly doubted: boolean,
  ) {
    super(0, 'Silent', 'it was silent for too long')
  }
}

/** guarded makes a request, and ends it with a Silence if nothing arrives for so many ms, or for a third at a wake. */
export async function guarded(
  signal: AbortSignal,
  waking: Wake,
  silence: number,
  request: (guard: AbortSignal, arrived: () => void) => Promise<void>,
): Promise<void> {
  const controller = new AbortController()
  let last = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const arrived = () => {
    clearTimeout(timer)
    last = Date.now()
    timer = setTimeout(() => controller.abort(), silence)
  }
  const off = waking.on(() => {
    if (Date.now() - last > silence / 3) controller.abort()
  })
  arrived()
  try {
    await request(AbortSignal.any([signal, controller.signal]), arrived)
  } catch (cause) {
    if (!signal.aborted && controller.signal.aborted) throw new Silence(last, Date.now() - last < silence)
    throw failed(cause, signal)
  } finally {
    clearTimeout(timer)
    off()
  }
}
