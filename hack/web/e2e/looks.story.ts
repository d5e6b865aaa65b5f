// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { browser, profile } from './harness/browser'
import { shop } from './harness/project'
import { repository, world } from './harness/server'
import { open, painted, ready, state } from './harness/view'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const pictures = join(repository, 'bin/browser')

/** The pages of the program, by the name of their pictures. */
const pages: Record<string, string> = {
  sessions: '#/?all=1',
  table: '#/s/Tiltfile?view=table',
  graph: '#/s/Tiltfile?view=graph',
  timeline: '#/s/Tiltfile?view=timeline',
  log: '#/s/Tiltfile?view=log',
  failures: '#/s/Tiltfile?view=failures',
  tiltfile: '#/s/Tiltfile?view=tiltfile',
  resource: '#/s/Tiltfile/r/catalog',
  failed: '#/s/Tiltfile/r/payments',
  waiting: '#/s/Tiltfile/r/e2e',
}

const sizes = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
  { width: 360, height: 780 },
]

/** settled waits until the project doesn't change any more. */
async function settled(page: Page): Promise<void> {
  await ready(page, 'e2e')
  await state(page, 'frontend', 'ready')
  await state(page, 'payments', 'failed')
}

test('every page in both themes: no violation of axe, nothing to scroll sideways, pictures', async () => {
  mkdirSync(pictures, { recursive: true })
  const chrome = await browser()
  const faults: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    const server = await shop(world())
    const own = await profile({ colorScheme, bypassCSP: false }, chrome)
    const page = await own.open(await server.login())
    await settled(page)
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(luminance(background) > 0.5).toBe(colorScheme === 'light')
    for (const [name, fragment] of Object.entries(pages)) {
      await open(page, fragment)
      for (const size of sizes) {
        await page.setViewportSize(size)
        await painted(page)
        await page.screenshot({ path: join(pictures, `${name}-${colorScheme}-${size.width}.png`) })
        const width = await page.evaluate(() => document.documentElement.scrollWidth)
        if (width > size.width) faults.push(`${name} ${colorScheme}: ${width} px wide at ${size.width}`)
        if (size.width !== 1920) {
          for (const fault of await violations(page)) faults.push(`${name} ${colorScheme} ${size.width}: ${fault}`)
        }
      }
    }
  }
  expect(faults).toEqual([])
}, 300_000)

test('at 200 % and at 400 % everything is still in the window', async () => {
  const server = await shop(world())
  const chrome = await browser()
  const faults: string[] = []
  for (const [width, height] of [
    [640, 400],
    [320, 256],
  ] as const) {
    const own = await profile({ viewport: { width, height }, deviceScaleFactor: 2 }, chrome)
    const page = await own.open(await server.login())
    await ready(page, 'e2e')
    for (const [name, fragment] of Object.entries(pages)) {
      await open(page, fragment)
      await painted(page)
      const content = await page.evaluate(() => document.documentElement.scrollWidth)
      if (content > width) faults.push(`${name}: ${content} px wide at ${width}`)
    }
  }
  expect(faults).toEqual([])
}, 180_000)

test('nothing moves for those who want less motion', async () => {
  const server = await shop(world())
  const own = await profile({ reducedMotion: 'reduce' })
  const page = await own.open(await server.login())
  await ready(page, 'e2e')
  for (const fragment of Object.values(pages)) {
    await open(page, fragment)
    await painted(page)
    const moving = await page.evaluate(() =>
      document
        .getAnimations()
        .filter((each) => Number(each.effect?.getComputedTiming().duration) > 50)
        .map((each) => (each.effect instanceof KeyframeEffect ? (each.effect.target?.className ?? '') : '')),
    )
    expect(moving, fragment).toEqual([])
  }
})

interface Violation {
  id: string
  impact: string
  help: string
  nodes: { target: string[]; failureSummary: string }[]
}

/** violations are those that axe finds in the page, which it is put into by the debugger, past the page's policy. */
async function violations(page: Page): Promise<string[]> {
  const { readFileSync } = await import('node:fs')
  await page.evaluate(readFileSync(axe, 'utf8'))
  const found = (await page.evaluate(
    "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations)",
  )) as Violation[]
  return found.map(
    (each) =>
      `${each.id} (${each.impact}): ${each.help}: ${each.nodes.length}: ${each.nodes[0]?.target.join(' ')} ${each.nodes[0]?.failureSummary.replaceAll('\n', ' ')}`,
  )
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = color.match(/[\d.]+/g)?.map(Number) ?? []
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
}
