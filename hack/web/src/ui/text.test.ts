// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { best, score } from './fuzzy'
import { lined, plural, visible, webLink } from './text'

test('characters that hide or turn text are spelt out', () => {
  expect(visible('a\u202eb')).toBe('a\u27e8U+202E\u27e9b')
  expect(visible('a\u0000\n\u2066')).toBe('a\u27e8U+0000\u27e9\u27e8U+000A\u27e9\u27e8U+2066\u27e9')
  expect(visible('größe – ok')).toBe('größe – ok')
})

test.each([
  ['http://127.0.0.1:8080/a?b', 'http://127.0.0.1:8080/a?b'],
  ['https://example.org', 'https://example.org/'],
  ['javascript:alert(1)', undefined],
  [' java\nscript:alert(1)', undefined],
  ['data:text/html,x', undefined],
  ['//example.org', undefined],
  ['', undefined],
])('webLink(%j)', (address, want) => {
  expect(webLink(address)).toBe(want)
})

test('lines keep their indentation, and lose what controls a terminal', () => {
  expect(lined('Error:\n\u001b[31m    at f\u001b[0m\r\n\tat g\n')).toBe('Error:\n    at f\n\tat g')
})

test('plural', () => {
  expect([plural(1, 'run'), plural(0, 'run'), plural(2, 'match', 'matches')]).toEqual(['1 run', '0 runs', '2 matches'])
})

test('fuzzy matches need all characters in their order', () => {
  expect(score('ords', 'orders')).toBeGreaterThan(0)
  expect(score('sro', 'orders')).toBe(-1)
  const names = ['load-test', 'catalog', 'catalog:log', 'smoke']
  expect(best('lt', names, (n) => n, 3)).toEqual(['load-test'])
  expect(best('log', names, (n) => n, 3)).toEqual(['catalog', 'catalog:log'])
  expect(best('', names, (n) => n, 2)).toEqual(['load-test', 'catalog'])
})
