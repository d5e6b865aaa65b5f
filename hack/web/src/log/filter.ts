// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { printable } from './control'

/** Filter selects lines of the log. The fragment of the page's address holds it. */
export interface Filter {
  /** What the lines have. */
  q: string
  /** What they don't have. */
  not: string
  /** Both are regular expressions, in RE2's syntax. */
  re: boolean
  level: 'info' | 'warn' | 'error'
  /** So many lines around each match are shown as well. */
  ctx: number
  /** Lines of the run itself, or output of commands; all if empty. */
  src: '' | 'own' | 'output'
  /** The spanID of an update of the resource; all if empty. */
  build: string
}

export const noFilter: Filter = { q: '', not: '', re: false, level: 'info', ctx: 0, src: '', build: '' }

/** The parameters that stay the same for another resource of the Session. */
export const filterParams: readonly string[] = ['q', 'not', 're', 'level', 'ctx', 'src']

const maxContext = 50

/** parseFilter reads the parameters of an address. What isn't valid is as if it weren't there. */
export function parseFilter(params: Readonly<Record<string, string>>): Filter {
  const { level, src } = params
  return {
    q: params.q ?? '',
    not: params.not ?? '',
    re: params.re === '1',
    level: level === 'warn' || level === 'error' ? level : 'info',
    ctx: Math.min(maxContext, Math.max(0, Math.trunc(Number(params.ctx)) || 0)),
    src: src === 'own' || src === 'output' ? src : '',
    build: params.build ?? '',
  }
}

/** formatFilter sets the parameters of an address for a filter, and keeps the other ones. */
export function formatFilter(filter: Filter, params: Readonly<Record<string, string>>): Record<string, string> {
  const { q, not, re, level, ctx, src, build, ...rest } = params
  const set: Record<string, string> = rest
  if (filter.q) set.q = filter.q
  if (filter.not) set.not = filter.not
  if (filter.re) set.re = '1'
  if (filter.level !== 'info') set.level = filter.level
  if (filter.ctx > 0) set.ctx = String(filter.ctx)
  if (filter.src) set.src = filter.src
  if (filter.build) set.build = filter.build
  return set
}

/** keepLogParams is what a link to another resource of the same Session keeps of the parameters. */
export function keepLogParams(params: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => filterParams.includes(name)))
}

/** filters reports whether a filter leaves anything out. */
export function filters(filter: Filter): boolean {
  return !!(filter.q || filter.not || filter.level !== 'info' || filter.src || filter.build)
}

/**
 * expression is the regular expression, in RE2's syntax, of what a user looks for. A text matches in either case
 * unless it has upper case itself.
 */
export function expression(text: string, re: boolean): string {
  if (re || !text) return text
  const quoted = text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
  return folds(text) ? `(?i)${quoted}` : quoted
}

function folds(text: string): boolean {
  return text === text.toLowerCase() && text !== text.toUpperCase()
}

/** literally matches the lines that have a text, as its expression does. */
export function literally(text: string): (line: string) => boolean {
  if (!folds(text)) return (line) => printable(line).includes(text)
  return (line) => printable(line).toLowerCase().includes(text)
}

/** Mark is a part of a text that is found. */
export type Mark = readonly [start: number, end: number]

const maxMarks = 200

/**
 * marks finds what a term matches in a text as it is shown, undefined if only the server can tell: a regular
 * expression that JavaScript doesn't know, or could take long for.
 */
export function marks(text: string, term: string, re: boolean): Mark[] | undefined {
  if (!term) return []
  const pattern = compiled(expression(term, re))
  if (!pattern || (re && text.length > 2000)) return undefined
  const found: Mark[] = []
  for (const match of text.matchAll(pattern)) {
    if (match[0]) found.push([match.index, match.index + match[0].length])
    if (found.length === maxMarks) break
  }
  return found
}

let last: { source: string; pattern: RegExp | undefined } = { source: '', pattern: undefined }

function compiled(source: string): RegExp | undefined {
  if (last.source !== source) last = { source, pattern: compile(source) }
  return last.pattern
}

/** compile is undefined for what could backtrack more than once: with a repetition of a group, or of two parts. */
function compile(source: string): RegExp | undefined {
  const folded = source.startsWith('(?i)')
  const body = folded ? source.slice(4) : source
  // Of the escapes only these mean the same in both syntaxes.
  const bare = body.replace(/\\([dDwWsSbB]|[^a-zA-Z0-9])/g, '_').replace(/\[\^?\]?[^\]]*\]/g, '_')
  if (/\)[*+?{]|\(\?|\\/.test(bare) || (bare.match(/[*+]|\{\d*,/g)?.length ?? 0) > 1) return undefined
  try {
    return new RegExp(body, folded ? 'gi' : 'g')
  } catch {
    return undefined
  }
}
