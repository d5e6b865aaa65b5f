// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** isControl reports whether a character is a control character other than a tab. */
export function isControl(code: number): boolean {
  return (code < 0x20 && code !== 9) || (code >= 0x7f && code <= 0x9f)
}

/** isMarked reports whether a character would hide, break or reorder text: it is shown by its number. */
export function isMarked(code: number): boolean {
  return code === 0 || code === 0x2028 || code === 0x2029 || isDirection(code)
}

/** isDirection reports whether a character changes the direction of text. */
function isDirection(code: number): boolean {
  return (
    code === 0x061c ||
    code === 0x200e ||
    code === 0x200f ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  )
}

/** marked is what is shown instead of a character that isMarked. */
export function marked(code: number): string {
  return code === 0 ? '⟨NUL⟩' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}

/** escapeLength is the length of the escape sequence at `at`, where `line` has ESC. */
export function escapeLength(line: string, at: number): number {
  const kind = line[at + 1] ?? ''
  if (kind === '[') return controlLength(line, at)
  if (kind && ']P_^X'.includes(kind)) return stringLength(line, at)
  if (kind && '()*+# '.includes(kind)) return isAscii(line[at + 2]) ? 3 : 2
  return isAscii(kind) ? 2 : 1
}

function isAscii(char = ''): boolean {
  return char >= ' ' && char <= '~'
}

/** A control sequence ends with a character from @ on. */
function controlLength(line: string, at: number): number {
  for (let i = at + 2; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if (code < 0x20 || code > 0x7e) return i - at
    if (code >= 0x40) return i + 1 - at
  }
  return line.length - at
}

/** A string, such as a title or a link, ends with BEL, ST or another sequence, else the text after it may be of use. */
function stringLength(line: string, at: number): number {
  for (let i = at + 2; i < line.length; i++) {
    if (line.charCodeAt(i) === 0x07) return i + 1 - at
    if (line.charCodeAt(i) === 0x1b) return i - at + (line[i + 1] === '\\' ? 2 : 0)
  }
  return 2
}

/**
 * printable is what the server matches a regular expression with, text.Printable: a line without escape sequences and
 * controls. Its tests have written testdata/printable.json.
 */
export function printable(line: string): string {
  const text = line.replace(/[\r\n]+$/, '')
  const from = text.lastIndexOf('\r') + 1
  let result = ''
  let start = from
  for (let i = from; i < text.length; ) {
    const code = text.charCodeAt(i)
    if (!isControl(code) && !isDirection(code)) {
      i++
      continue
    }
    result += text.slice(start, i)
    i += code === 0x1b ? escapeLength(text, i) : 1
    start = i
  }
  return result + text.slice(start)
}
