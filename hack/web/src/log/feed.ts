// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { LogLine } from '../api/types'
import type { Logs, RequestError } from '../state/state'
import { Behind } from './behind'
import { asRequestError, Follower, type Phase, pause, type Soon, temporary } from './follower'
import { type Fetched, Pages, type Part } from './pages'
import { append, maxRows, opened, prepend, trim, type Window } from './window'

const empty: Window = { rows: [], from: 1, to: 0, atStart: false, atEnd: false }

/**
 * Feed keeps the window of a part of a log. `changed` is called after each change; what it reads then is consistent.
 * A feed has requests under way until it is closed.
 */
export class Feed {
  window = empty
  phase: Phase = { name: 'loading' }
  /** The direction in which lines are being requested. */
  busy: 'older' | 'newer' | 'jump' | undefined
  /** The server has ended the log: the run writes nothing any more. */
  ended = false
  /** The numbers of lines have begun anew, or the line that was asked for doesn't exist: the run is another one. */
  restarted = false
  /** How many lines were written since the feed began. */
  arrived = 0
  /** Whether the reader follows the end: old lines are then given up for new ones. */
  following = true
  private held = 0

  private readonly pages: Pages
  private readonly closed = new AbortController()
  private jump = new AbortController()
  private follower: Follower | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private adding: Promise<void> = Promise.resolve()
  private behind = new Behind()
  /** What was requested of what the server selects. It is less than the window has where context was added. */
  private asked = { from: 0, to: 0 }

  constructor(
    private readonly logs: Logs,
    part: Part,
    private readonly changed: () => void,
    private readonly soon: Soon,
  ) {
    this.pages = new Pages(logs, part)
  }

  /** open shows the end of the log, or the lines around one. */
  open(seq?: number): void {
    this.following = true
    if (seq !== undefined) this.hold()
    const work = async (signal: AbortSignal) => {
      if (seq === undefined) return this.tail(signal)
      const last = await this.pages.last(signal)
      await this.around(seq, signal)
      if (!signal.aborted) this.followAfter(this.window.atEnd ? this.asked.to : last)
    }
    this.move(false, work, () => this.open(seq))
  }

  /** bounded reports whether the part of the log is complete: it is that of an update that has ended. */
  get bounded(): boolean {
    return this.pages.part.end > 0
  }

  /** unseen is how many lines were written since the reader has stopped following. */
  get unseen(): number {
    return this.following ? 0 : this.arrived - this.held
  }

  /** stay stops following. */
  stay(): void {
    this.hold()
    this.changed()
  }

  /** home shows the start of the log. */
  home(): void {
    this.hold()
    this.move(this.window.atStart, this.head, () => this.home())
  }

  /** end shows the end of the log, and follows it. */
  end(): void {
    this.following = true
    this.move(this.window.atEnd, this.tail, () => this.end())
  }

  /** show has the window have a line. */
  show(seq: number): void {
    this.hold()
    const { from, to } = this.window
    const there = seq >= from && seq <= to
    const work = (signal: AbortSignal) => this.around(seq, signal)
    this.move(there, work, () => this.show(seq))
  }

  /** older reads what precedes the window. */
  older(): void {
    if (this.busy || this.phase.name !== 'ready' || this.window.atStart) return
    void this.read('older', async (signal) => {
      const fetched = await this.pages.before(this.asked.from, signal)
      if (signal.aborted) return
      this.asked.from = fetched.first || this.asked.from
      const window = { ...prepend(this.window, fetched.page), atStart: fetched.complete }
      this.set(trim(window, 'end'))
    })
  }

  /** newer reads what follows the window. */
  newer(): void {
    if (this.busy || this.phase.name !== 'ready' || this.window.atEnd) return
    void this.read('newer', async (signal) => {
      const fetched = await this.pages.after(this.asked.to, signal)
      if (signal.aborted) return
      this.asked.to = fetched.last || this.asked.to
      this.set(trim(append(this.window, fetched.page), 'start'))
      if (fetched.complete) await this.reachEnd()
    })
  }

  close(): void {
    this.closed.abort()
    this.jump.abort()
    this.follower?.stop()
    clearTimeout(this.timer)
  }

  private hold(): void {
    if (this.following) this.held = this.arrived
    this.following = false
  }

  private readonly head = async (signal: AbortSignal): Promise<void> => {
    const fetched = await this.pages.after(0, signal)
    if (signal.aborted) return
    this.replace(fetched, true)
    if (fetched.complete) await this.reachEnd()
  }

  private readonly tail = async (signal: AbortSignal): Promise<void> => {
    const fetched = await this.pages.before(undefined, signal)
    if (signal.aborted) return
    this.replace(fetched, fetched.complete)
    await this.reachEnd()
    if (!signal.aborted) this.followAfter(this.asked.to)
  }

  private async around(seq: number, signal: AbortSignal): Promise<void> {
    const [before, rest] = await Promise.all([this.pages.before(seq, signal), this.pages.after(seq - 1, signal)])
    if (signal.aborted) return
    this.replace(rest, false)
    this.asked.from = before.first || seq
    this.window = { ...prepend(this.window, before.page), atStart: before.complete }
    if (rest.complete) await this.reachEnd()
  }

  private replace(fetched: Fetched, atStart: boolean): void {
    this.asked = { from: fetched.first || fetched.page.from, to: fetched.last || fetched.page.to }
    this.window = opened(fetched.page, atStart, false)
  }

  /** reachEnd adds the lines that were followed since a request that got to the end of the log. */
  private async reachEnd(): Promise<void> {
    if (this.behind.forgotten > this.asked.to) return
    const lines = this.behind.take(this.asked.to)
    this.window = { ...this.window, atEnd: true }
    // Lines that were taken are added even if this request is given up.
    if (lines.length > 0) await this.add(lines, this.closed.signal)
  }

  /** followAfter follows the log, once. */
  private followAfter(seq: number): void {
    if (this.follower || this.bounded || this.closed.signal.aborted) return
    const query = this.pages.query({ sinceSeq: Math.max(seq, this.pages.start - 1) })
    const take = (lines: LogLine[], signal: AbortSignal) => this.take(lines, signal)
    this.follower = new Follower(this.logs, query, take, (error) => this.stopped(error), this.soon)
  }

  private stopped(error: RequestError | undefined): void {
    if (error) {
      this.follower?.stop()
      this.follower = undefined
      this.failed(error, () => this.open())
      return
    }
    this.ended = true
    this.changed()
  }

  private async take(lines: LogLine[], signal: AbortSignal): Promise<void> {
    if (this.window.atEnd) await this.add(lines, signal)
    else this.behind.keep(lines)
    this.arrived += lines.length
    if (!signal.aborted) this.changed()
  }

  /** add appends lines, each after those of the calls before. */
  private add(lines: readonly LogLine[], signal: AbortSignal): Promise<void> {
    const added = this.adding.then(() => this.addNow(lines, signal))
    this.adding = added.catch(() => {})
    return added
  }

  private async addNow(lines: readonly LogLine[], signal: AbortSignal): Promise<void> {
    // More than the window keeps would be thrown away at once.
    const cut = lines.length > maxRows ? lines.slice(-maxRows) : lines
    const last = lines.at(-1)?.seq ?? this.window.to
    const page = await this.pages.select(cut, this.window.to + 1, last, signal)
    if (!this.window.atEnd) this.behind.forget(last)
    if (signal.aborted || !this.window.atEnd) return
    const window = append(this.window, page)
    // A reader who reads something else keeps it; the end is there again for the asking.
    if (!this.following && trim(window, 'start') !== window) {
      this.behind.forget(last)
      this.window = { ...this.window, atEnd: false }
      return
    }
    this.asked.to = Math.max(this.asked.to, last)
    if (cut === lines) this.set(trim(window, 'start'))
    else this.set({ ...opened(page, false, true), from: cut[0]?.seq ?? window.from })
  }

  private set(window: Window): void {
    if (window.from > this.asked.from) this.asked.from = window.from
    if (window.to < this.asked.to && !window.atEnd) this.asked.to = window.to
    this.window = window
  }

  /** move replaces the window unless it has what is wanted. Requests for another window are given up. */
  private move(there: boolean, work: (signal: AbortSignal) => Promise<void>, again: () => void): void {
    if (!there || this.busy === 'jump' || this.phase.name === 'retrying') {
      this.jump.abort()
      this.jump = new AbortController()
      this.busy = undefined
    }
    if (there) this.changed()
    else void this.read('jump', work, again)
  }

  private async read(
    kind: 'older' | 'newer' | 'jump',
    work: (signal: AbortSignal) => Promise<void>,
    again: () => void = () => this[kind === 'older' ? 'older' : 'newer'](),
  ): Promise<void> {
    if (this.closed.signal.aborted) return
    const { signal } = this.jump
    this.busy = kind
    this.changed()
    try {
      await work(signal)
      if (signal.aborted) return
      this.phase = { name: 'ready' }
      this.busy = undefined
    } catch (error) {
      if (signal.aborted) return
      this.busy = undefined
      this.failed(asRequestError(error), again)
      return
    }
    this.changed()
  }

  private failed(error: RequestError, again: () => void): void {
    if (error.code === 410) {
      this.restart()
      return
    }
    const retrying = temporary(error)
    this.phase = { name: retrying ? 'retrying' : 'refused', error }
    clearTimeout(this.timer)
    const { signal } = this.jump
    if (retrying) this.timer = setTimeout(() => this.retry(signal.aborted ? this.changed : again), pause)
    this.changed()
  }

  private retry(again: () => void): void {
    this.phase = { name: this.window === empty ? 'loading' : 'ready' }
    again()
  }

  private restart(): void {
    this.follower?.stop()
    this.follower = undefined
    this.window = empty
    this.phase = { name: 'loading' }
    this.behind = new Behind()
    this.restarted = true
    this.open()
  }
}
