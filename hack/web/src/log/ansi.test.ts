// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cut, maxShown, parse, type Style, seenText } from './ansi'
import { type Color, contrast, indexed, parseRgb, type Rgb, readable } from './color'
import { printable } from './control'
import { links } from './links'
import { look } from './look'

const E = '\u001b['

/** runs are the texts and styles of a line, without what is unset. */
function runs(line: string) {
  return parse(line).runs.map(({ text, style }) => [
    text,
    Object.fromEntries(Object.entries(style).filter(([, value]) => value !== undefined && value !== false)),
  ])
}

describe('parse', () => {
  const cases: [name: string, line: string, want: [string, Style][]][] = [
    ['nothing', '', []],
    ['a text', 'plain\ttext', [['plain\ttext', {}]]],
    [
      'a colour and its end',
      `${E}31mred${E}0m not`,
      [
        ['red', { fg: 1 }],
        [' not', {}],
      ],
    ],
    [
      'a reset without a number',
      `${E}1mb${E}mn`,
      [
        ['b', { bold: true }],
        ['n', {}],
      ],
    ],
    ['bright colours', `${E}91;102mx`, [['x', { fg: 9, bg: 10 }]]],
    ['one of 256', `${E}38;5;196;48;5;7mx`, [['x', { fg: [255, 0, 0], bg: 7 }]]],
    ['a mixed colour', `${E}38;2;1;2;300;1mx`, [['x', { fg: [1, 2, 255], bold: true }]]],
    ['a mixed colour with colons', `${E}38:2::1:2:3m${E}48:5:16mx`, [['x', { fg: [1, 2, 3], bg: [0, 0, 0] }]]],
    [
      'an underline with a kind',
      `${E}4:3mx${E}4:0my`,
      [
        ['x', { underline: true }],
        ['y', {}],
      ],
    ],
    [
      'all attributes',
      `${E}1;2;3;4;7;9mx`,
      [['x', { bold: true, dim: true, italic: true, underline: true, inverse: true, strike: true }]],
    ],
    ['attributes that end', `${E}1;3;4;7;9;31;42m${E}22;23;24;27;29;39;49mx`, [['x', {}]]],
    ['a line that is overwritten', '10%\r100%', [['100%', {}]]],
    ['a line that is overwritten in part', 'abcdef\rXY', [['XYcdef', {}]]],
    ['the end of a line of Windows', 'text\r', [['text', {}]]],
    ['the rest erased', `abcdef\rXY${E}K`, [['XY', {}]]],
    ['everything erased', `abc${E}2Kd`, [['   d', {}]]],
    ['the start erased', `abc\b${E}1K`, [['   ', {}]]],
    ['a character taken back', 'ab\bc', [['ac', {}]]],
    ['back beyond the start', '\b\b\bx', [['x', {}]]],
    ['other sequences', `${E}2Ja${E}?25lb\u001b(Bc\u001b]0;title\u0007d\u0007`, [['abcd', {}]]],
    ['a sequence without an end', `a${E}31`, [['a', {}]]],
    ['a string without an end', '\u001b]0;title', [['0;title', {}]]],
    ['a character of two units', `😀\b${E}1mx`, [['x', { bold: true }]]],
    [
      'what changes the direction',
      'a\u202eb',
      [
        ['a', {}],
        ['⟨U+202E⟩', { control: true }],
        ['b', {}],
      ],
    ],
    ['NUL', '\u0000', [['⟨NUL⟩', { control: true }]]],
    [
      'a link',
      '\u001b]8;id=1;https://a.test/x;y\u001b\\t\u001b]8;;\u001b\\u',
      [
        ['t', { href: 'https://a.test/x;y' }],
        ['u', {}],
      ],
    ],
    [
      'a link that outlives its colour',
      `\u001b]8;;http://a.test\u0007${E}31mt${E}0mu`,
      [
        ['t', { fg: 1, href: 'http://a.test/' }],
        ['u', { href: 'http://a.test/' }],
      ],
    ],
    [
      'a link that another sequence ends',
      `\u001b]8;;http://a.test${E}1mt`,
      [['t', { bold: true, href: 'http://a.test/' }]],
    ],
    ['a link that would run', '\u001b]8;;javascript:alert(1)\u0007t', [['t', {}]]],
    ['a link to data', '\u001b]8;;data:text/html,x\u0007t', [['t', {}]]],
    [
      'an address of two colours',
      `http://a.test:${E}1m80${E}0m/`,
      [
        ['http://a.test:', { href: 'http://a.test/' }],
        ['80', { bold: true, href: 'http://a.test/' }],
        ['/', { href: 'http://a.test/' }],
      ],
    ],
  ]
  it.each(cases)('%s', (_, line, want) => expect(runs(line)).toEqual(want))

  it('cuts a long line and says how much is left', () => {
    const parsed = parse('x'.repeat(1_000_000))
    expect([parsed.text.length, parsed.more]).toEqual([maxShown, 1_000_000 - maxShown])
    const drawn = parse(`${E}1m${'y'.repeat(1_000_000)}`)
    expect([drawn.text.length, drawn.more]).toEqual([maxShown, 1_000_000 - maxShown])
  })

  it('does not cut a character in two', () => {
    expect(parse(`${'x'.repeat(9)}😀`, 10).text).toBe('x'.repeat(9))
  })

  it('shows the last state of a long progress bar', () => {
    expect(parse(`${'working\r'.repeat(100_000)}done   `).text).toBe('done   ')
  })

  it('has one run for text of one style, and a bounded number of them', () => {
    expect(runs(`${E}31ma${E}0m${E}31mb`)).toEqual([['ab', { fg: 1 }]])
    const many = parse(Array.from({ length: 4000 }, (_, i) => `${E}38;5;${16 + (i % 200)}mx`).join(''))
    expect([many.runs.length, many.text.length]).toEqual([201, 4000])
  })

  it.each([
    ['a sequence of very many parameters', () => parse(`${E}${'38;'.repeat(300_000)}mx`).text, 'x'],
    ['very many links', () => seenText('http://a '.repeat(100_000)).length, 900_000],
  ])('ends soon for %s', (_, text, want) => expect(text()).toBe(want))

  it('never throws, and keeps the text', () => {
    const pieces = [
      'a',
      'ü',
      '😀',
      ' ',
      '\t',
      E,
      '31',
      ';',
      'm',
      'K',
      '\u001b',
      ']8;;',
      '\u0007',
      '38;5;',
      ':',
      '[',
      'http://',
      '9',
      '\u009b',
    ]
    let seed = 1
    const next = (n: number) => {
      seed = (seed * 48271) % 0x7fffffff
      return seed % n
    }
    for (let round = 0; round < 5000; round++) {
      const line = Array.from({ length: next(40) }, () => pieces[next(pieces.length)]).join('')
      expect(parse(line, 1000).text, JSON.stringify(line)).toBe(printable(line))
    }
  })
})

it.each(JSON.parse(readFileSync(new URL('testdata/printable.json', import.meta.url), 'utf8')) as [string, string][])(
  'printable is what the server says of %j',
  (line, want) => expect(printable(line)).toBe(want),
)

describe('cut', () => {
  it('divides runs and keeps their text', () => {
    const whole = parse(`ab${E}1mcd${E}0mef`).runs
    const parts = cut(whole, [0, 1, 3, 3, 6, 9])
    expect(parts.map(({ run, start }) => [start, run.text])).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
      [4, 'ef'],
    ])
  })
})

describe('links', () => {
  const cases: [text: string, want: string[]][] = [
    ['see http://a.test.', ['http://a.test']],
    ['(https://a.test/b_(c)), then', ['https://a.test/b_(c)']],
    ['<https://a.test/x?y=1&z=[2]>', ['https://a.test/x?y=1&z=[2]']],
    ['"http://localhost:3000/",', ['http://localhost:3000/']],
    ['HTTP://A.test!', ['HTTP://A.test']],
    ['javascript:alert(1) file:///etc/passwd ftp://a.test', []],
    ['http://', []],
    ['http://a.test http://b.test', ['http://a.test', 'http://b.test']],
  ]
  it.each(cases)('%s', (text, want) => {
    expect(links(text).map(({ start, end }) => text.slice(start, end))).toEqual(want)
  })
})

describe('look', () => {
  const dark: Rgb = [16, 20, 26]
  const light: Rgb = [255, 255, 255]
  const rgb = (css: string | undefined) => css?.match(/\d+/g)?.map(Number) as unknown as Rgb

  it.each([
    ['the theme', dark],
    ['the other theme', light],
  ])('each colour of 256 can be read on %s', (_, background) => {
    for (let n = 16; n < 256; n++) {
      const color = rgb(look({ fg: indexed(n) }, background).color)
      expect(contrast(color, background)).toBeGreaterThanOrEqual(4.5)
    }
  })

  it('text on a colour of the program can be read', () => {
    const colors: (Color | undefined)[] = [undefined, 1, [0, 0, 0], [255, 255, 255], [120, 120, 120]]
    for (let n = 16; n < 256; n++) {
      const bg = indexed(n) as Rgb
      for (const fg of colors) {
        const { color } = look({ fg, bg }, dark)
        expect(contrast(rgb(color), bg)).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  const cases: [name: string, style: Style, want: ReturnType<typeof look>][] = [
    ['a colour of the theme', { fg: 3, bold: true }, { className: 'a-bold', color: 'var(--ansi3)' }],
    [
      'a background of the theme',
      { fg: 3, bg: 4 },
      { className: '', color: 'var(--ansi-on)', background: 'var(--ansi4)' },
    ],
    ['inverse', { inverse: true }, { className: 'a-inverse' }],
    [
      'inverse with a colour',
      { inverse: true, fg: 2 },
      { className: '', color: 'var(--ansi-on)', background: 'var(--ansi2)' },
    ],
    ['dim', { dim: true }, { className: 'a-dim' }],
    ['dim with a colour', { dim: true, fg: 1 }, { className: '', color: 'var(--ansi1)' }],
  ]
  it.each(cases)('%s', (_, style, want) => expect(look(style, dark)).toEqual(want))

  it('leaves a colour that can be read', () => expect(readable([200, 200, 200], dark)).toEqual([200, 200, 200]))
  it('reads the theme', () => {
    expect(parseRgb('rgb(16, 20, 26)')).toEqual([16, 20, 26])
    expect(parseRgb('rgba(0, 0, 0, 0)')).toBeUndefined()
  })

  const css = readFileSync(new URL('log.css', import.meta.url), 'utf8')
  const theme = readFileSync(new URL('../ui/theme.css', import.meta.url), 'utf8')
  const hex = (digits: string): Rgb =>
    [0, 2, 4].map((i) => Number.parseInt(digits.slice(i, i + 2), 16)) as unknown as Rgb
  it.each(['light', 'dark'])('the 16 colours can be read in the %s theme', (name) => {
    const side = name === 'light' ? 1 : 2
    const backgrounds = ['bg', 'bg-raised'].map((variable) => {
      const found = new RegExp(`--${variable}: light-dark\\(#(\\w{6}), #(\\w{6})\\)`).exec(theme)
      return hex(found?.[side] ?? '')
    })
    const rules = css.slice(css.indexOf(`[data-theme="${name}"]`))
    const on = hex(/--ansi-on: #(\w{6})/.exec(rules)?.[1] ?? '')
    for (let n = 0; n < 16; n++) {
      const color = hex(new RegExp(`--ansi${n}: #(\\w{6})`).exec(rules)?.[1] ?? '')
      for (const background of [...backgrounds, on]) {
        expect(contrast(color, background), `colour ${n} on ${background}`).toBeGreaterThanOrEqual(4.5)
      }
    }
  })
})
