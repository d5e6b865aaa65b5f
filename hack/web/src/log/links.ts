// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** Span is a part of a text that is a link. */
export interface Span {
  start: number
  end: number
  href: string
}

const candidate = /https?:\/\/[^\s<>"'`⟨⟩]+/gi
const after = /[.,;:!?*_~|\\]$/

/** links finds the addresses with http and https in a text, without the punctuation that follows them. */
export function links(text: string): Span[] {
  if (!text.includes('://')) return []
  const found: Span[] = []
  for (const match of text.matchAll(candidate)) {
    const address = trim(match[0])
    const href = safe(address)
    if (href) found.push({ start: match.index, end: match.index + address.length, href })
  }
  return found
}

/** safe is an address as a browser writes it, if its scheme is http or https, and undefined otherwise. */
export function safe(address: string): string | undefined {
  try {
    const url = new URL(address)
    if ((url.protocol === 'http:' || url.protocol === 'https:') && url.hostname) return url.href
  } catch {
    // It is no address.
  }
  return undefined
}

/** trim leaves out punctuation at the end, and brackets that are closed but not opened in the address. */
function trim(address: string): string {
  const open: Record<string, number> = { ')': 0, ']': 0, '}': 0 }
  for (const char of address) {
    if (char === '(' || char === ')') open[')'] = (open[')'] ?? 0) + (char === '(' ? 1 : -1)
    if (char === '[' || char === ']') open[']'] = (open[']'] ?? 0) + (char === '[' ? 1 : -1)
    if (char === '{' || char === '}') open['}'] = (open['}'] ?? 0) + (char === '{' ? 1 : -1)
  }
  let end = address.length
  for (; end > 0; end--) {
    const last = address[end - 1] ?? ''
    if ((open[last] ?? 0) < 0) open[last] = (open[last] ?? 0) + 1
    else if (!after.test(last)) break
  }
  return address.slice(0, end)
}
