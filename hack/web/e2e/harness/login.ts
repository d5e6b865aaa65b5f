// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Page } from 'playwright-core'

/** Login is the headers that prove the login of a page, for requests by hand. */
export interface Login extends Record<string, string> {
  cookie: string
  'X-Tilt-Session': string
}

/** login returns the login that a page has. It fails if the page has none. */
export async function login(page: Page): Promise<Login> {
  const { origin } = new URL(page.url())
  const cookies = await page.context().cookies(origin)
  const cookie = cookies.map((each) => `${each.name}=${each.value}`).join('; ')
  const secret = await page.evaluate(() => localStorage.getItem('tilt-session.secret'))
  if (!cookie || !secret) throw new Error(`${page.url()} has no login`)
  return { cookie, 'X-Tilt-Session': secret }
}
