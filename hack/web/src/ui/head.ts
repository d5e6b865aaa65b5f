// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Tone } from '../model/phase'
import bad from './icons/bad.svg?url'
import off from './icons/off.svg?url'
import ok from './icons/ok.svg?url'
import wait from './icons/wait.svg?url'
import warn from './icons/warn.svg?url'

const icons: Readonly<Record<Tone | 'off', string>> = { ok, bad, warn, wait, off }

/** setHead gives the tab of the browser a title and an icon; "off" is that of a page which may be stale. */
export function setHead(title: string, icon: Tone | 'off'): void {
  if (document.title !== title) document.title = title
  let link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  if (!link) {
    link = document.createElement('link')
    link.rel = 'icon'
    document.head.append(link)
  }
  const address = new URL(icons[icon], document.baseURI).href
  if (link.href !== address) link.href = address
}
