// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** TrustedTypes is the part of the browser's interface that is used here. TypeScript's library doesn't have it. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): {
    createScriptURL(url: string): unknown
  }
}

function check(text: string): string {
  const url = new URL(text)
  const assets = new URL('assets/', document.baseURI)
  const built = url.origin === assets.origin && url.pathname.startsWith(assets.pathname) && url.pathname.endsWith('.js')
  if (!built && !import.meta.env.DEV) throw new TypeError(`${text} isn't a script of this page`)
  return url.href
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }

// The policy of the page's headers allows one of this name, and each once.
const policy = trustedTypes?.createPolicy('tilt-worker', { createScriptURL: check })

/** trustedURL is the address of a worker as the browser accepts it. It throws for what isn't a script of this page. */
export function trustedURL(url: URL): string {
  return policy ? (policy.createScriptURL(url.href) as string) : check(url.href)
}
