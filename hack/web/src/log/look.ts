// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Style } from './ansi'
import { black, contrast, css, type Rgb, readable, white } from './color'

/** Look is how a style is drawn: classes and colours. */
export interface Look {
  className: string
  color?: string
  background?: string
}

/** look draws a style on a background so that it can be read. */
export function look(style: Style, background: Rgb): Look {
  const names: string[] = []
  for (const name of ['bold', 'italic', 'underline', 'strike', 'control'] as const)
    if (style[name]) names.push(`a-${name}`)
  let { fg, bg } = style
  if (style.inverse) {
    if (fg === undefined) names.push('a-inverse')
    ;[fg, bg] = [fg === undefined ? undefined : bg, fg]
  }
  const made: Look = { className: '' }
  if (typeof bg === 'number') {
    made.background = `var(--ansi${bg})`
    made.color = 'var(--ansi-on)'
  } else if (bg) {
    const wanted = typeof fg === 'object' ? fg : contrast(white, bg) > contrast(black, bg) ? white : black
    made.background = css(bg)
    made.color = css(readable(wanted, bg))
  } else if (typeof fg === 'number') {
    made.color = `var(--ansi${fg})`
  } else if (fg) {
    made.color = css(readable(fg, background))
  } else if (style.dim && !style.inverse) names.push('a-dim')
  made.className = names.join(' ')
  return made
}
