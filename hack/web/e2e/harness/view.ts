// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Locator, Page } from 'playwright-core'

/** ready waits until the page shows a resource. */
export async function ready(page: Page, resource: string): Promise<void> {
  await row(page, resource).waitFor()
}

/** row is the row of a resource in the table. */
export function row(page: Page, resource: string): Locator {
  return page.locator(`tr[data-name=${JSON.stringify(resource)}]`)
}

/** state waits until the row of a resource shows a state. */
export async function state(page: Page, resource: string, word: string): Promise<void> {
  await row(page, resource).locator('.statecell').getByText(word, { exact: true }).waitFor()
}

/** line is a line of the log that is shown. */
export function line(page: Page, text: string | RegExp): Locator {
  return page.locator('.log-text').getByText(text, { exact: true }).first()
}

/** tab opens a view of the Session by a click. */
export async function tab(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: view }).click()
}

/** answer presses a button of the dialog that is open. */
export async function answer(page: Page, yes: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: yes, exact: true }).click()
}

/** open goes to another fragment of the same page. */
export async function open(page: Page, fragment: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash
  }, fragment)
}

/** painted waits until the page has drawn what it was asked for, a graph included, and has nothing else to do. */
export async function painted(page: Page): Promise<void> {
  await idle(page)
  await page
    .getByText(/^(Loading|Laying out \d+ resources)…$/)
    .first()
    .waitFor({ state: 'detached' })
  await idle(page)
}

function idle(page: Page): Promise<unknown> {
  return page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestIdleCallback(done, { timeout: 2000 }))),
  )
}
