// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { type Color, indexed } from './color'
import { escapeLength, isControl, isMarked, marked } from './control'
import { links, safe } from './links'

/** Style is how a program wants a text to look. */
export interface Style {
  fg?: Color | undefined
  bg?: Color | undefined
  bold?: boolean
  dim?: boolean
  italic?: boolean
  underline?: boolean
  inverse?: boolean
  strike?: boolean
  /** The address that the program has linked, http or https. */
  href?: string | undefined
  /** The text stands for a control character. */
  control?: boolean
}

/** Run is a text of one style. */
export interface Run {
  text: string
  style: Style
}

/** Parsed is a line as it is shown. */
export interface Parsed {
  runs: readonly Run[]
  /** The text of all runs. */
  text: string
  /** How many characters aren't shown because the line is too long. */
  more: number
}

/** How many characters of a line are shown. */
export const maxShown = 4000

/** How many runs of a line have a style; the text after them has none. */
const maxRuns = 200

const none: Style = {}

/**
 * parse reads a line of output: its colours, links and what it overwrites. Other control sequences and characters are
 * left out, but those that would hide something, which are marked.
 */
export function parse(line: string, limit = maxShown): Parsed {
  const { runs, more } = laidOut(line, limit)
  const text = textOf(runs)
  return { runs: linked(runs, text), text, more }
}

/** seenText is the text of a line as it is shown, and complete. */
export function seenText(line: string): string {
  return textOf(laidOut(line, Number.POSITIVE_INFINITY).runs)
}

function laidOut(line: string, limit: number): { runs: Run[]; more: number } {
  return needsScreen(line) ? drawn(line, limit) : plainly(line, limit)
}

function textOf(runs: readonly Run[]): string {
  return runs.map((run) => run.text).join('')
}

function needsScreen(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if (isControl(code) || isMarked(code)) return true
  }
  return false
}

function plainly(line: string, limit: number): { runs: Run[]; more: number } {
  const end = line.length > limit ? boundary(line, limit) : line.length
  return { runs: end ? [{ text: line.slice(0, end), style: none }] : [], more: line.length - end }
}

/** boundary is at most `at`, and not between the halves of a character. */
function boundary(line: string, at: number): number {
  const code = line.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}

/** Screen is the line of a terminal: a character and a style in each cell. */
class Screen {
  private readonly chars: string[] = []
  private readonly styles: Style[] = []
  private column = 0
  private end = 0
  style: Style = none

  constructor(private readonly limit: number) {}

  put(text: string, style = this.style): void {
    if (this.column < this.limit) {
      for (let i = this.chars.length; i < this.column; i++) this.set(i, ' ', none)
      this.set(this.column, text, style)
    }
    this.column++
    this.end = Math.max(this.end, this.column)
  }

  return(): void {
    this.column = 0
  }

  back(): void {
    this.column = Math.max(0, this.column - 1)
  }

  /** erase clears from the cursor (0), up to it (1), or everything (2). */
  erase(mode: number): void {
    if (mode === 0 || mode === 2) {
      const from = mode === 2 ? 0 : this.column
      this.chars.length = Math.min(this.chars.length, from)
      this.styles.length = this.chars.length
      this.end = Math.min(this.end, from)
    } else if (mode === 1) {
      for (let i = 0; i <= this.column && i < this.chars.length; i++) this.set(i, ' ', none)
    }
  }

  result(): { runs: Run[]; more: number } {
    const runs: Run[] = []
    for (let i = 0, start = 0; i < this.chars.length; i++) {
      const style = this.styles[i] ?? none
      const plain = runs.length >= maxRuns
      if (i + 1 < this.chars.length && (plain || same(this.styles[i + 1] ?? none, style))) continue
      runs.push({ text: this.chars.slice(start, i + 1).join(''), style: plain ? none : style })
      start = i + 1
    }
    return { runs, more: Math.max(0, this.end - this.chars.length) }
  }

  private set(at: number, text: string, style: Style): void {
    this.chars[at] = text
    this.styles[at] = style
  }
}

function same(a: Style, b: Style): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function drawn(line: string, limit: number): { runs: Run[]; more: number } {
  const screen = new Screen(limit)
  for (let i = 0; i < line.length; ) {
    const code = line.codePointAt(i) ?? 0
    if (code === 0x1b) {
      const length = escapeLength(line, i)
      obey(screen, line.slice(i, i + length))
      i += length
      continue
    }
    if (code === 0x0d) screen.return()
    else if (code === 0x08) screen.back()
    else if (isMarked(code)) screen.put(marked(code), { ...screen.style, control: true })
    else if (!isControl(code)) screen.put(String.fromCodePoint(code))
    i += code > 0xffff ? 2 : 1
  }
  return screen.result()
}

function obey(screen: Screen, sequence: string): void {
  const body = sequence.slice(2)
  if (sequence[1] === '[' && body.endsWith('m') && /^[\d;:]*m$/.test(body)) {
    screen.style = graphics(screen.style, body.slice(0, -1))
  } else if (sequence[1] === '[' && body.endsWith('K')) {
    screen.erase(Number(body.slice(0, -1)) || 0)
  } else if (sequence.startsWith(']8;', 1)) {
    const end = body.endsWith('\u0007') ? -1 : body.endsWith('\u001b\\') ? -2 : undefined
    const address = body.slice(0, end).split(';').slice(2).join(';')
    screen.style = { ...screen.style, href: address ? safe(address) : undefined }
  }
}

/** graphics is the style after the parameters of "Select Graphic Rendition". */
function graphics(style: Style, parameters: string): Style {
  let next: Style = { ...style }
  // A colon separates the parts of one parameter: 4:3 is a kind of underline, 38:2::R:G:B a colour.
  const groups = parameters.split(';')
  for (let i = 0; i < groups.length; i++) {
    const parts = (groups[i] ?? '').split(':')
    const code = Number(parts[0])
    if ((code === 38 || code === 48) && parts.length === 1) {
      const [color, used] = extended(groups.slice(i + 1, i + 5).map(Number))
      if (color !== undefined) next = { ...next, [code === 38 ? 'fg' : 'bg']: color }
      i += used
    } else if (code === 38 || code === 48) {
      const values = parts.slice(1).map(Number)
      if (values[0] === 2 && values.length > 4) values.splice(1, 1)
      const [color] = extended(values)
      if (color !== undefined) next = { ...next, [code === 38 ? 'fg' : 'bg']: color }
    } else if (code === 4 && parts[1] === '0') next.underline = false
    else next = simple(next, code)
  }
  return next
}

/** extended reads a colour of 256 (5;N) or a mixed one (2;R;G;B), and how many values it took. */
function extended(values: readonly number[]): [Color | undefined, number] {
  const part = (i: number) => Math.min(255, Math.max(0, values[i] || 0))
  if (values[0] === 5) return [indexed(part(1)), 2]
  if (values[0] === 2) return [[part(1), part(2), part(3)], 4]
  return [undefined, 0]
}

const switches: Record<number, Style> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: undefined },
  49: { bg: undefined },
}

function simple(style: Style, code: number): Style {
  if (code === 0) return style.href ? { href: style.href } : none
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 }
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 }
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 }
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 }
  return { ...style, ...switches[code] }
}

/** linked cuts runs where an address in their text begins and ends, whatever their styles are. */
function linked(runs: readonly Run[], text: string): readonly Run[] {
  const spans = links(text)
  if (spans.length === 0) return runs
  return cut(
    runs,
    spans.flatMap((span) => [span.start, span.end]),
  ).map(({ run, start }) => {
    const span = spans.find((s) => s.start <= start && start < s.end)
    return span && !run.style.href ? { text: run.text, style: { ...run.style, href: span.href } } : run
  })
}

/** cut divides runs at positions of their text, which are sorted. */
export function cut(runs: readonly Run[], positions: readonly number[]): { run: Run; start: number }[] {
  const parts: { run: Run; start: number }[] = []
  let offset = 0
  let next = 0
  for (const run of runs) {
    let from = 0
    while (next < positions.length && (positions[next] ?? 0) < offset + run.text.length) {
      const at = (positions[next++] ?? 0) - offset
      if (at <= from) continue
      parts.push({ run: { text: run.text.slice(from, at), style: run.style }, start: offset + from })
      from = at
    }
    parts.push({ run: from ? { text: run.text.slice(from), style: run.style } : run, start: offset + from })
    offset += run.text.length
  }
  return parts
}
