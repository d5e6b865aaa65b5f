// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Locator, Page } from 'playwright-core'

/** ready waits until the page shows a resource. */
export async function ready(page: Page, resource: string): Promise<void> {
  await page.getByRole('link', { name: resource, exact: true }).first().waitFor()
}

/** row is the row of a resource in the table. */
export function row(page: Page, resource: string): Locator {
  return page.getByRole('row').filter({ has: page.getByRole('link', { name: resource, exact: true }) })
}

/** state waits until the row of a resource shows a state. */
export async function state(page: Page, resource: string, word: string): Promise<void> {
  await row(page, resource).getByText(word).first().waitFor()
}

/** choose clicks an action of a resource in the table, and confirms it if the page asks. */
export async function choose(page: Page, resource: string, action: RegExp): Promise<void> {
  await row(page, resource).getByRole('button', { name: action }).first().click()
  const dialog = page.getByRole('dialog')
  if ((await dialog.count()) > 0) await dialog.getByRole('button').last().click()
}

/** open goes to another fragment of the same page. */
export async function open(page: Page, fragment: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash
  }, fragment)
}

/** painted waits until the page has drawn what it was asked for, the graph included, and has nothing else to do. */
export async function painted(page: Page): Promise<void> {
  const graph = page.url().includes('view=graph')
  if (graph) await page.locator('main svg').first().waitFor()
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestIdleCallback(done, { timeout: 2000 }))),
  )
}
