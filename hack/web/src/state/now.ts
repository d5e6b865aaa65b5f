// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { computed, signal } from '@preact/signals'

/** Ticker is the time of the server. It ticks each second while it is looked at, the page is seen, and it counts. */
export class Ticker {
  /** The time of the server less that of this machine, in ms. */
  offset = 0
  private counting = false
  private watched = false
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly tick = signal(this.read(), {
    watched: () => this.look(true),
    unwatched: () => this.look(false),
  })
  private readonly minute = computed(() => floor(this.tick.value, 60_000))

  constructor() {
    document.addEventListener('visibilitychange', () => this.run())
  }

  /** now is the time in ms of the epoch, in whole seconds or minutes. What depends on minutes runs once in each. */
  now(step: 'second' | 'minute' = 'second'): number {
    const ticked = step === 'minute' ? this.minute.value : this.tick.value
    const time = this.timer === undefined ? this.read() : Math.max(ticked, this.read() - 1_000)
    return floor(time, step === 'minute' ? 60_000 : 1_000)
  }

  /** count says whether something on the page counts time. */
  count(counting: boolean): void {
    if (this.counting === counting) return
    this.counting = counting
    this.run()
  }

  private look(watched: boolean): void {
    this.watched = watched
    this.run()
  }

  private read(): number {
    return floor(Date.now() + this.offset, 1_000)
  }

  private run(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (!this.watched || !this.counting || document.visibilityState === 'hidden') return
    const next = () => {
      this.tick.value = this.read()
      this.timer = setTimeout(next, 1_000 - ((Date.now() + this.offset) % 1_000))
    }
    this.timer = setTimeout(next, 1_000 - ((Date.now() + this.offset) % 1_000))
  }
}

const floor = (time: number, unit: number) => Math.floor(time / unit) * unit
