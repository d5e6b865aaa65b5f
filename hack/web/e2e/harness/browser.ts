// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/// <reference types="node" />
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

export const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** browser starts Chromium with a fresh profile. It ends with the test. */
export async function browser(...more: string[]): Promise<Browser> {
  const started = await chromium.launch({ executablePath, args: [...flags, ...more] })
  onTestFinished(() => started.close())
  return started
}

/** Profile is a context of a browser whose pages are watched. */
export interface Profile {
  context: BrowserContext
  open(address: string): Promise<Page>
  /** Everything that a page must not do and that these pages have done. */
  complaints: string[]
  /** Complaints that match don't fail the test, because it provokes them. */
  expect(pattern: RegExp): void
}

/**
 * profile opens a profile whose pages may ask 127.0.0.1, localhost and ::1 alone, break no policy, and log no error.
 * Anything else fails the test at its end.
 */
export async function profile(options: BrowserContextOptions = {}, using?: Browser): Promise<Profile> {
  const context = await (using ?? (await browser())).newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const complaints: string[] = []
  const expected: RegExp[] = []
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`)
  })
  context.on('weberror', (error) => complaints.push(`error: ${error.error().stack ?? error.error().message}`))
  context.on('request', (request) => {
    if (!local(request.url())) complaints.push(`request to ${request.url()}`)
  })
  await context.exposeBinding('reportViolation', (_, text: string) => {
    complaints.push(`policy: ${text}`)
  })
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const report = (window as unknown as { reportViolation(text: string): void }).reportViolation
      report(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`)
    })
  })
  onTestFinished(async () => {
    await context.close()
    const unexpected = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)))
    if (unexpected.length > 0) throw new Error(`the page complains:\n${unexpected.join('\n')}`)
  })
  return {
    context,
    complaints,
    expect: (pattern) => expected.push(pattern),
    open: async (address) => {
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      await page.goto(address)
      return page
    },
  }
}

function local(address: string): boolean {
  const url = new URL(address)
  if (!/^(https?|wss?|ftp):$/.test(url.protocol)) return true
  return ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
}

/** refused are the complaints of Chromium about answers that a test provokes. */
export const refused = /Failed to load resource|net::ERR_/
