// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** Wake is something to wait for that others may end early. */
export class Wake {
  private wakers = new Set<() => void>()

  /** now ends all present waits. */
  now(): void {
    for (const wake of this.wakers) wake()
  }

  /** wait resolves after so many ms, when it is woken, or when the signal aborts. It tells whether it was woken. */
  wait(ms: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve(false)
        return
      }
      const end = (woken: boolean) => {
        clearTimeout(timer)
        this.wakers.delete(wake)
        signal.removeEventListener('abort', abort)
        resolve(woken)
      }
      const wake = () => end(true)
      const abort = () => end(false)
      const timer = setTimeout(() => end(false), ms)
      this.wakers.add(wake)
      signal.addEventListener('abort', abort)
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

/** child is a controller that aborts with a signal. end releases it. */
export function child(signal: AbortSignal): { controller: AbortController; end: () => void } {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  return { controller, end: () => signal.removeEventListener('abort', abort) }
}
