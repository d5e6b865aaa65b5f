// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CDPSession, Page } from 'playwright-core'
import { repository } from '../harness/server'

/** report prints a figure as a Go benchmark does, and adds it to bin/bench-web.txt. */
export function report(name: string, figures: Record<string, number>): void {
  const values = Object.entries(figures).map(([unit, value]) => `${Number(value.toFixed(value < 10 ? 2 : 0))} ${unit}`)
  const line = `BenchmarkWeb/${name}\t1\t${values.join('\t')}\n`
  process.stdout.write(line)
  mkdirSync(join(repository, 'bin'), { recursive: true })
  appendFileSync(join(repository, 'bin/bench-web.txt'), line)
}

/** percentile is a percentile of numbers. */
export function percentile(numbers: number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** Meter reads what Chromium counts of a page. */
export interface Meter {
  /** Milliseconds of its main thread so far, all of them and those of scripts. */
  busy(): Promise<{ task: number; script: number }>
  nodes(): Promise<number>
  /** Megabytes of its heap after a collection. */
  heap(): Promise<number>
  cdp: CDPSession
}

/** meter measures a page. */
export async function meter(page: Page): Promise<Meter> {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  const metrics = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
  }
  return {
    cdp,
    busy: async () => {
      const now = await metrics()
      return { task: 1000 * (now.TaskDuration ?? 0), script: 1000 * (now.ScriptDuration ?? 0) }
    },
    nodes: () => page.evaluate(() => document.querySelectorAll('*').length),
    heap: async () => {
      await cdp.send('HeapProfiler.collectGarbage')
      return ((await metrics()).JSHeapUsedSize ?? 0) / (1 << 20)
    },
  }
}

/** watchLongTasks counts tasks of the page of more than 50 ms from now on. */
export async function watchLongTasks(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const tasks: number[] = []
    Object.assign(window, { longTasks: tasks })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) tasks.push(entry.duration)
    }).observe({ entryTypes: ['longtask'] })
  })
  return () =>
    page.evaluate(() => {
      const { longTasks } = window as unknown as { longTasks: number[] }
      return longTasks.splice(0)
    })
}

/** frames are the milliseconds between the frames of a page for some seconds. */
export function frames(page: Page, seconds: number): Promise<number[]> {
  return page.evaluate(
    (duration) =>
      new Promise<number[]>((done) => {
        const gaps: number[] = []
        const begin = performance.now()
        let last = begin
        const next = (now: number) => {
          gaps.push(now - last)
          last = now
          if (now - begin > duration) done(gaps.slice(1))
          else requestAnimationFrame(next)
        }
        requestAnimationFrame(next)
      }),
    seconds * 1000,
  )
}

/** firstPaint is when something was painted, in ms since the navigation. */
export function firstPaint(page: Page): Promise<number> {
  return page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN)
}

/** processes is the seconds of CPU that all processes of the page's browser have used so far. */
export async function processes(page: Page): Promise<number> {
  const cdp = await page.context().browser()?.newBrowserCDPSession()
  const told = await cdp?.send('SystemInfo.getProcessInfo')
  await cdp?.detach()
  if (!told) throw new Error('the browser has no processes')
  return told.processInfo.reduce((sum, each) => sum + each.cpuTime, 0)
}

/** hide tells the page that it can't be seen, as a headless browser shows every tab; it throttles nothing besides. */
export async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })
    Object.defineProperty(document, 'hidden', { get: () => true })
    document.dispatchEvent(new Event('visibilitychange'))
  })
}
