// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { Component, createRef, type VNode } from 'preact'
import { maxShown } from './ansi'
import { type Anchor, anchorAt, clamp, fixed, type Layout, span, wrapped } from './layout'
import { indexOf, type Row, type Window } from './window'

interface Props {
  /** It has the viewport while there is one. */
  handle: { current: Viewport | null }
  window: Window
  wrap: boolean
  /** Rows are measured anew when it changes. */
  columns: string
  label: string
  following: boolean
  /** Whether the window isn't about to be replaced by another one. */
  settled(window: Window): boolean
  draw(row: Row, index: number, tab: boolean): VNode
  onFollow(following: boolean): void
  onNear(end: 'start' | 'end'): void
  onKey(event: KeyboardEvent): void
  onClick(event: MouseEvent): void
}

/** How many rows beyond the view are drawn on each side. */
const about = 20

/** How many rows from its end the window is extended. */
const near = 200

/** How often rows that turn out to be higher are laid out again at once. */
const maxPasses = 4

/**
 * Viewport draws the rows of a window that are in view. What is read stays where it is when rows come and go elsewhere:
 * the position is that of a line, not of a pixel. It follows the end until the user scrolls up.
 */
export class Viewport extends Component<Props> {
  private readonly scroller = createRef<HTMLDivElement>()
  private readonly rows = createRef<HTMLDivElement>()
  private readonly probe = createRef<HTMLSpanElement>()
  private observer: ResizeObserver | undefined
  private anchor: Anchor | undefined
  /** Where the view goes once the window has it. */
  private target: number | 'home' | undefined
  /** The line that Tab gets to, and whether it gets the focus once it is drawn. */
  private cursor: number | undefined
  private focusing = false
  private hadFocus = false

  private readonly measured = new Map<string, number>()
  private line = 20
  private char = 8
  private textColumns = 100
  private height = 0
  private width = 0
  private wide = 0
  private passes = 0
  /** The first row that is drawn. */
  private from = 0
  private top = 0
  private laid: Layout = fixed(0, 20)
  private laidRows: readonly Row[] | undefined
  private stale = true

  get element(): HTMLElement | null {
    return this.scroller.current
  }

  /** first is the number of the line at the top of the view. */
  get first(): number | undefined {
    return (this.anchor ?? anchorAt(this.props.window.rows, this.laid, this.top))?.seq
  }

  /** last is the number of the line at the bottom of the view. */
  get last(): number | undefined {
    return anchorAt(this.props.window.rows, this.laid, this.top + this.height)?.seq
  }

  /** show has a line in view, or the first one, once the window has it. */
  show(seq: number | 'home'): void {
    this.target = seq
    if (seq !== 'home') this.cursor = seq
    this.forceUpdate()
  }

  /** lineOf is the number of the line that an element is in. */
  lineOf(at: EventTarget | null): number | undefined {
    if (!(at instanceof Element) || !this.scroller.current?.contains(at)) return undefined
    const seq = at.closest('.log-row')?.querySelector<HTMLElement>('.log-gutter')?.dataset.seq
    return seq === undefined ? undefined : Number(seq)
  }

  focus(): void {
    this.scroller.current?.focus({ preventScroll: true })
  }

  override componentDidMount(): void {
    this.props.handle.current = this
    this.observer = new ResizeObserver(() => this.resized())
    if (this.scroller.current) this.observer.observe(this.scroller.current)
    this.resized()
    this.settle()
  }

  override componentWillUnmount(): void {
    this.observer?.disconnect()
    this.props.handle.current = null
  }

  override componentWillReceiveProps(next: Props): void {
    if (next.columns !== this.props.columns || next.wrap !== this.props.wrap) this.measured.clear()
    if (next.wrap !== this.props.wrap || next.window.from > this.props.window.to) this.wide = 0
    // Who stops following goes on reading what is there.
    if (this.props.following && !next.following && this.props.window.rows.length > 0)
      this.anchor = anchorAt(this.props.window.rows, this.laid, this.top)
    this.passes = 0
    if (this.measured.size === 0) this.stale = true
  }

  override componentDidUpdate(): void {
    this.settle()
  }

  render() {
    const { window, label, wrap, draw, onKey, onClick } = this.props
    this.hadFocus = !!this.scroller.current?.contains(document.activeElement)
    this.lay()
    const y = this.position()
    const [from, to] = span(this.laid, window.rows.length, y, this.height, about)
    this.from = from
    const tab = this.tab(y)
    return (
      <div
        class={`log-scroll ${wrap ? 'log-wrap' : 'log-nowrap'}`}
        ref={this.scroller}
        role="log"
        aria-live="off"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
        tabIndex={0}
        onScroll={this.scrolled}
        onKeyDown={(event) => this.moved(event) || onKey(event)}
        onClick={onClick}
      >
        <span class="log-probe" ref={this.probe} aria-hidden="true">
          0000000000
        </span>
        <div
          class="log-sizer"
          style={{ height: `${this.laid.total}px`, minWidth: this.wide ? `${this.wide}px` : '100%' }}
        >
          <div class="log-rows" ref={this.rows} style={{ transform: `translateY(${this.laid.top(from)}px)` }}>
            {window.rows.slice(from, to).map((row, i) => draw(row, from + i, from + i === tab))}
          </div>
        </div>
      </div>
    )
  }

  private lay(): void {
    const { window, wrap, settled } = this.props
    if (!wrap) this.laid = fixed(window.rows.length, this.line)
    else if (this.stale || this.laidRows !== window.rows) {
      this.laid = wrapped(window.rows, this.line, this.textColumns, this.measured, maxShown)
      this.laidRows = window.rows
      this.stale = false
    }
    if (this.target === undefined || !settled(window) || window.rows.length === 0) return
    const index = this.target === 'home' ? 0 : Math.min(indexOf(window.rows, this.target), window.rows.length - 1)
    const row = window.rows[index]
    if (row) this.anchor = { seq: row.seq, key: row.key, offset: index === 0 ? 0 : -Math.floor(this.height / 3) }
    this.target = undefined
  }

  /** position is where the view begins. */
  private position(): number {
    const { window, following } = this.props
    if (following) return clamp(this.laid.total, this.laid, this.height)
    if (!this.anchor) return clamp(this.top, this.laid, this.height)
    let index = indexOf(window.rows, this.anchor.seq)
    if (window.rows[index - 1]?.key === this.anchor.key) index--
    return clamp(this.laid.top(index) + this.anchor.offset, this.laid, this.height)
  }

  /** tab is the row that Tab gets to: the cursor, if it is in view, else the first one in view. */
  private tab(y: number): number {
    const { rows } = this.props.window
    const [from, to] = [this.laid.at(y), this.laid.at(y + this.height)]
    const index = this.cursor === undefined ? -1 : indexOf(rows, this.cursor)
    if (index >= from && index <= to) return index
    let first = from
    while (first < to && rows[first]?.kind !== 'line') first++
    return first
  }

  /** settle measures what was drawn, and puts the view where it belongs. */
  private settle(): void {
    const scroller = this.scroller.current
    if (!scroller) return
    const again = this.measure()
    const y = this.position()
    // What is set ends a movement of the browser, such as that after a touch.
    if (Math.abs(scroller.scrollTop - y) >= 1) scroller.scrollTop = y
    this.top = scroller.scrollTop
    if (!this.props.following) this.anchor ??= anchorAt(this.props.window.rows, this.laid, this.top)
    this.refocus(scroller)
    if (again && this.passes++ < maxPasses) this.forceUpdate()
    else this.extend()
  }

  private measure(): boolean {
    const { wrap } = this.props
    const rows = this.rows.current
    if (!rows) return false
    if (!wrap) {
      const wide = rows.offsetWidth
      if (wide <= this.wide) return false
      this.wide = wide
      return true
    }
    let changed = false
    const text = rows.querySelector('.log-text')
    const columns = text ? Math.max(10, Math.floor(text.clientWidth / this.char)) : this.textColumns
    if (columns !== this.textColumns) changed = true
    this.textColumns = columns
    if (this.measured.size > 100_000) this.measured.clear()
    for (const [i, row] of [...rows.children].entries()) {
      const height = row.getBoundingClientRect().height
      const index = this.from + i
      if (Math.abs(this.laid.top(index + 1) - this.laid.top(index) - height) < 0.1) continue
      this.measured.set((row as HTMLElement).dataset.key ?? '', height)
      changed = true
    }
    this.stale ||= changed
    return changed
  }

  private extend(): void {
    const { window, onNear } = this.props
    const from = this.laid.at(this.top)
    const to = this.laid.at(this.top + this.height)
    if (from < near && !window.atStart) onNear('start')
    else if (to > window.rows.length - near && !window.atEnd) onNear('end')
  }

  private resized(): void {
    const scroller = this.scroller.current
    const probe = this.probe.current?.getBoundingClientRect()
    if (!scroller) return
    if (probe?.height) this.line = probe.height
    if (probe?.width) this.char = probe.width / 10
    if (scroller.clientWidth !== this.width) this.measured.clear()
    this.stale = true
    this.height = scroller.clientHeight
    this.width = scroller.clientWidth
    this.passes = 0
    this.forceUpdate()
  }

  private readonly scrolled = (): void => {
    const scroller = this.scroller.current
    const { window, following, settled, onFollow } = this.props
    if (!scroller || scroller.clientHeight !== this.height) return
    const top = scroller.scrollTop
    if (Math.abs(top - this.top) < 1) return
    // Only the user changes scrollTop without settle.
    const up = top < this.top
    this.top = top
    this.target = undefined
    const atBottom = top + this.height >= this.laid.total - 2
    if (following && up) onFollow(false)
    else if (!following && !up && atBottom && window.atEnd && settled(window)) onFollow(true)
    this.anchor = anchorAt(window.rows, this.laid, top)
    this.passes = 0
    this.forceUpdate()
  }

  /** moved has the arrows move the focus from a line to the next one. */
  private moved(event: KeyboardEvent): boolean {
    const at = event.target instanceof HTMLElement ? event.target.dataset.seq : undefined
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (at === undefined || step === 0) return false
    const { window, following, onFollow } = this.props
    let index = indexOf(window.rows, Number(at)) + step
    while (window.rows[index] && window.rows[index]?.kind !== 'line') index += step
    const row = window.rows[index]
    event.preventDefault()
    if (!row) return true
    this.cursor = row.seq
    this.focusing = true
    const top = this.laid.top(index)
    if (following && step < 0) onFollow(false)
    if (top < this.top) this.anchor = { seq: row.seq, key: row.key, offset: 0 }
    else if (this.laid.top(index + 1) > this.top + this.height) {
      this.anchor = { seq: row.seq, key: row.key, offset: this.laid.top(index + 1) - top - this.height }
    }
    this.forceUpdate()
    return true
  }

  /** refocus keeps the focus in the log when the line that had it isn't drawn any more. */
  private refocus(scroller: HTMLElement): void {
    if (this.focusing) {
      this.focusing = false
      scroller.querySelector<HTMLElement>(`[data-seq="${this.cursor}"]`)?.focus({ preventScroll: true })
    } else if (this.hadFocus && document.activeElement === document.body) this.focus()
  }
}
