// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'
import type { Session, UIResource } from '../api/types'
import { buildsOf, keptText } from './builds'
import { FakeLogs, line, lines } from './fake.testing'
import { noFilter } from './filter'
import { clock, elapsed, encode, missedText, rowsText, stamp, wholeLog } from './format'
import { anchorAt, clamp, fixed, span, wrapped } from './layout'
import type { Part } from './pages'
import { rangeOf, rowsBetween, selectLine, withoutLine } from './range'
import { opened } from './window'

const part: Part = { session: 's', resources: [], filter: noFilter, first: 0, end: 0 }
const never = new AbortController().signal
const rows = (...list: ReturnType<typeof line>[]) => opened({ lines: list, from: 1, to: 99 }, true, true).rows

describe('times', () => {
  const time = '2026-01-02T03:04:05.678Z'
  it.each([
    ['off', ''],
    ['clock', clock(new Date(time))],
    ['start', '+5.678s'],
    ['previous', '+0.001s'],
  ] as const)('%s', (kind, want) => {
    expect(stamp(kind, time, '2026-01-02T03:04:00Z', '2026-01-02T03:04:05.677Z')).toBe(want)
  })
  it('has none of what is not known', () => expect(stamp('start', time, undefined, undefined)).toBe(''))
  it.each([
    [0, '0.000s'],
    [59_999, '59.999s'],
    [61_000, '1m01s'],
    [3_723_000, '1h02m03s'],
  ])('%i ms', (ms, want) => expect(elapsed(ms)).toBe(want))
})

describe('copying', () => {
  it('has what is seen, and long lines complete', () => {
    const long = 'x'.repeat(10_000)
    const list = rows(line(1, { text: '\u001b[31ma\u001b[0m' }), line(9, { text: long, resource: 'web', missed: 7 }))
    const seen = { timestamps: 'start', start: line(0).time, resource: true } as const
    expect(rowsText(list, seen)).toBe(`+0.001s api │ a\n[7 lines of web were dropped]\n+0.009s web │ ${long}\n`)
    expect(rowsText(list.slice(0, 1), { ...seen, timestamps: 'off', resource: false })).toBe('a\n')
  })
  it('reads a range wherever it is', async () => {
    const logs = new FakeLogs(lines(1, 5000))
    const found = await rowsBetween(logs, part, { from: 990, to: 3010 }, never)
    expect([found[0]?.seq, found.at(-1)?.seq, found.length]).toEqual([990, 3010, 2021])
  })
  it('says one line', () => expect(missedText(1, '')).toBe('1 line was dropped'))
})

describe('downloads', () => {
  const colored = line(3, { text: '\u001b[31mred\u001b[0m', missed: 2 })
  it.each([
    ['text', '[2 lines of api were dropped]\napi │ red\n'],
    ['ansi', '[2 lines of api were dropped]\napi │ \u001b[31mred\u001b[0m\n'],
    ['ndjson', `${JSON.stringify(colored)}\n`],
  ] as const)('%s', (format, want) => expect(encode(colored, format, true)).toBe(want))

  it('are the whole log', async () => {
    const blob = await wholeLog(new FakeLogs(lines(1, 12_345)), { ...part, resources: ['api'] }, 'text', never)
    expect((await blob.text()).split('\n')).toHaveLength(12_346)
  })
  it('are an update', async () => {
    const blob = await wholeLog(
      new FakeLogs(lines(1, 100)),
      { ...part, resources: ['api'], first: 10, end: 12 },
      'text',
      never,
    )
    expect(await blob.text()).toBe('line 10\nline 11\n')
  })
})

describe('the range of an address', () => {
  it.each([
    [{}, undefined],
    [{ seq: '5' }, { from: 5, to: 5 }],
    [
      { seq: '5', to: '9' },
      { from: 5, to: 9 },
    ],
    [
      { seq: '5', to: '2' },
      { from: 5, to: 5 },
    ],
    [{ seq: 'x' }, undefined],
    [{ seq: '-1' }, undefined],
  ])('%j', (params: Record<string, string>, want) => expect(rangeOf(params)).toEqual(want))

  it.each([
    [{ q: 'x' }, 5, false, { q: 'x', seq: '5', uid: 'u' }],
    [{ seq: '5' }, 9, true, { seq: '5', to: '9', uid: 'u' }],
    [{ seq: '5', to: '9' }, 3, true, { seq: '3', to: '9', uid: 'u' }],
    [{ seq: '5', to: '9' }, 5, true, { seq: '5', uid: 'u' }],
    [{ seq: '5', to: '9' }, 7, false, { seq: '7', uid: 'u' }],
    [{}, 7, true, { seq: '7', uid: 'u' }],
  ])('%j, line %i, extended: %s', (params: Record<string, string>, seq, extend, want) => {
    expect(selectLine(params, seq, extend, 'u')).toEqual(want)
  })
  it('ends', () => expect(withoutLine({ seq: '1', to: '2', uid: 'u', q: 'x' })).toEqual({ q: 'x' }))
})

describe('layout', () => {
  const list = rows(...lines(1, 100, (seq) => ({ text: 'x'.repeat(seq === 50 ? 25 : 5) })))
  it('of rows of one height', () => {
    const layout = fixed(100, 20)
    expect([layout.total, layout.top(3), layout.at(59), layout.at(60), layout.at(-5), layout.at(9999)]).toEqual([
      2000, 60, 2, 3, 0, 99,
    ])
  })
  it('of rows that wrap', () => {
    const layout = wrapped(list, 20, 10, new Map([['2', 100]]), 4000)
    expect([layout.top(1), layout.top(2), layout.top(50) - layout.top(49), layout.total]).toEqual([20, 120, 60, 2120])
    expect([layout.at(19), layout.at(20), layout.at(119), layout.at(120), layout.at(1e9)]).toEqual([0, 1, 1, 2, 99])
  })
  it('of nothing', () => {
    const layout = wrapped([], 20, 10, new Map(), 4000)
    expect([layout.total, layout.at(5), span(layout, 0, 0, 100, 5)]).toEqual([0, 0, [0, 0]])
    expect(anchorAt([], layout, 0)).toBeUndefined()
  })
  it('draws what is in view, and some about it', () => {
    expect(span(fixed(1000, 20), 1000, 400, 200, 5)).toEqual([15, 36])
    expect(span(fixed(10, 20), 10, 0, 200, 5)).toEqual([0, 10])
  })
  it('anchors a line, and clamps', () => {
    expect(anchorAt(list, fixed(100, 20), 70)).toEqual({ seq: 4, key: '4', offset: 10 })
    expect([clamp(-5, fixed(10, 20), 100), clamp(500, fixed(10, 20), 100), clamp(5, fixed(2, 20), 100)]).toEqual([
      0, 100, 0,
    ])
  })
})

describe('updates of a resource', () => {
  it('have their lines', () => {
    const resource = {
      status: {
        currentBuild: { startTime: '2026-01-01T00:00:09Z', spanID: 'b3', firstLine: 30, reason: 'files' },
        buildHistory: [
          {
            startTime: '2026-01-01T00:00:05Z',
            finishTime: '2026-01-01T00:00:07Z',
            error: 'exit 1',
            spanID: 'b2',
            firstLine: 10,
            endLine: 20,
          },
          { startTime: '2026-01-01T00:00:01Z', finishTime: '2026-01-01T00:00:02Z', spanID: 'b1' },
        ],
      },
    } as unknown as UIResource
    expect(buildsOf(resource).map(({ id, first, end }) => [id, first, end])).toEqual([
      ['b3', 30, 0],
      ['b2', 10, 20],
    ])
    expect(buildsOf(resource)[1]?.label).toMatch(/2\.000s · failed$/)
    expect(buildsOf(undefined)).toEqual([])
  })
})

describe('how long the log is kept', () => {
  const session = (ttl: number | undefined) =>
    ({
      spec: { ttlSecondsAfterFinished: ttl },
      status: {
        done: true,
        conditions: [{ type: 'Failed', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    }) as unknown as Session
  it.each([
    [session(60), new Date('2026-01-01T00:01:00Z').toLocaleString()],
    [session(undefined), 'until the Session is deleted'],
    [undefined, 'until the Session is deleted'],
  ])('%#', (of, want) => expect(keptText(of)).toContain(want))
})
