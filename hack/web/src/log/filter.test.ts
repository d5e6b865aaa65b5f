// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import { printable } from './control'
import {
  expression,
  type Filter,
  filters,
  formatFilter,
  keepLogParams,
  literally,
  marks,
  noFilter,
  parseFilter,
} from './filter'

describe('parseFilter and formatFilter', () => {
  const cases: [params: Record<string, string>, want: Partial<Filter>][] = [
    [{}, {}],
    [
      { q: 'a b', not: 'c', re: '1', level: 'warn', ctx: '3', src: 'own', build: 'b:1' },
      { q: 'a b', not: 'c', re: true, level: 'warn', ctx: 3, src: 'own', build: 'b:1' },
    ],
  ]
  it.each(cases)('%j', (params, want) => {
    const filter = parseFilter(params)
    expect(filter).toEqual({ ...noFilter, ...want })
    expect(formatFilter(filter, { uid: 'u', q: 'old', ctx: '9' })).toEqual({ uid: 'u', ...params })
  })
  it.each([[{ level: 'debug', ctx: '-1', src: 'x' }], [{ ctx: 'NaN', re: 'yes' }]])(
    '%j is nothing',
    (params: Record<string, string>) => expect(parseFilter(params)).toEqual(noFilter),
  )
  it('bounds the context', () => expect(parseFilter({ ctx: '1e9' }).ctx).toBe(50))
  it('keeps what is of any resource', () => {
    expect(keepLogParams({ q: 'x', seq: '1', build: 'b', uid: 'u', level: 'warn' })).toEqual({ q: 'x', level: 'warn' })
  })
  it('tells whether lines are left out', () => {
    expect(filters(noFilter)).toBe(false)
    expect(filters({ ...noFilter, ctx: 5, re: true })).toBe(false)
    expect(filters({ ...noFilter, not: 'x' })).toBe(true)
  })
})

describe('expression', () => {
  const cases: [text: string, re: boolean, want: string][] = [
    ['', false, ''],
    ['get', false, '(?i)get'],
    ['Get', false, 'Get'],
    ['12', false, '12'],
    ['a.b*(c)[d]{e}^$|?+\\', false, '(?i)a\\.b\\*\\(c\\)\\[d\\]\\{e\\}\\^\\$\\|\\?\\+\\\\'],
    ['a.*b', true, 'a.*b'],
  ]
  it.each(cases)('%s %s', (text, re, want) => expect(expression(text, re)).toBe(want))
})

describe('literally', () => {
  it('matches in either case, without escape sequences', () => {
    expect(literally('get /')('\u001b[31mGET\u001b[0m /items')).toBe(true)
    expect(literally('Get')('GET')).toBe(false)
  })
})

describe('marks', () => {
  const cases: [name: string, text: string, term: string, re: boolean, want: [number, number][] | undefined][] = [
    [
      'a text',
      'foo Foo',
      'foo',
      false,
      [
        [0, 3],
        [4, 7],
      ],
    ],
    ['characters that mean something', 'a.b axb', 'a.b', false, [[0, 3]]],
    [
      'an expression',
      'id=12 id=3',
      'id=\\d+',
      true,
      [
        [0, 5],
        [6, 10],
      ],
    ],
    ['one that backtracks', 'aaaa', '(a+)+$', true, undefined],
    ['two repetitions', 'aaaa', 'a*b*', true, undefined],
    ['what JavaScript reads otherwise', 'z', '\\z', true, undefined],
    ['what is no expression', 'x', '(', true, undefined],
    ['nothing', 'x', '', false, []],
  ]
  it.each(cases)('%s', (_, text, term, re, want) => {
    expect(marks(text, term, re)).toEqual(want)
  })
  it('has a limit', () => expect(marks('a'.repeat(4000), 'a', false)).toHaveLength(200))
})

describe('printable', () => {
  const cases: [line: string, want: string][] = [
    ['text\r\n', 'text'],
    ['10%\r20%', '20%'],
    ['\u001b[1;31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007x', 'x'],
    ['\u001b]0;no end', '0;no end'],
    ['a\u202eb\u0000c', 'abc'],
    ['\u001b', ''],
    ['\u001b(Bx', 'x'],
  ]
  it.each(cases)('%j', (line, want) => expect(printable(line)).toBe(want))
})
