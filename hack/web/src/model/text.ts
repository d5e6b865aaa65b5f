// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { escapeLength } from '../log/control'

const esc = '\u001b'

/** unwanted are control characters but tabs, those that change the direction of text, and the replacement character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const unwanted = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]/g

/**
 * plain is what a line of output says: without escape sequences, without control characters but tabs and without those
 * that change the direction of text. Of a line that a command has overwritten, it is what was written last.
 */
export function plain(line: string): string {
  return trim(indented(line))
}

/** indented is what plain returns, with the space around it. */
export function indented(line: string): string {
  const whole = line.replace(/[\r\n]+$/, '')
  let rest = whole.slice(whole.lastIndexOf('\r') + 1)
  let text = ''
  for (let at = rest.indexOf(esc); at >= 0; at = rest.indexOf(esc)) {
    text += rest.slice(0, at)
    rest = rest.slice(at + escapeLength(rest, at))
  }
  return (text + rest).replace(unwanted, '')
}

/** trim removes the space around a text. A byte order mark is no space. */
function trim(s: string): string {
  return s.replace(/^(?:[^\S\ufeff]|\u0085)+|(?:[^\S\ufeff]|\u0085)+$/g, '')
}

/** errorLine is the line of an error that says the most: the first, or the message after a Tiltfile's stack trace. */
export function errorLine(error: string): string {
  const [first = '', ...rest] = trim(error).split('\n')
  if (!first.startsWith('Traceback ')) return first
  const message = rest.find((line) => !line.startsWith('  '))
  return message === undefined ? first : trim(message)
}

/** compareNames orders names as the API does, by their bytes. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return weight(x) - weight(y)
  }
  return a.length - b.length
}

/** weight moves surrogates, which stand for characters of four bytes, behind all other code units. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit
}
