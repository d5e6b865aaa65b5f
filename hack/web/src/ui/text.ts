// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { indented } from '../model/text'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is made visible.
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

/** visible is a name as it is shown: characters that can't be seen, or that turn the direction of text, are spelt out. */
export function visible(text: string): string {
  return text.replace(invisible, (c) => `\u27e8U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`)
}

/** lined is a text of several lines with their indentation. */
export function lined(text: string): string {
  return text.trimEnd().split('\n').map(indented).join('\n')
}

/** webLink is an address that may be opened: http or https, else undefined. */
export function webLink(address: string): string | undefined {
  try {
    const url = new URL(address)
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined
  } catch {
    return undefined
  }
}

/** plural is a number with its noun. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`
}
