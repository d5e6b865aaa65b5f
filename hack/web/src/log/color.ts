// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** Rgb is a colour in sRGB, each part from 0 to 255. */
export type Rgb = readonly [number, number, number]

/** A colour of a program: one of the 16 of the theme, or one that it has mixed itself. */
export type Color = number | Rgb

const steps = [0, 95, 135, 175, 215, 255] as const

/** indexed is colour n of the 256: the first 16 are the theme's. */
export function indexed(n: number): Color {
  if (n < 16) return n
  if (n >= 232) {
    const gray = 8 + (n - 232) * 10
    return [gray, gray, gray]
  }
  const step = (i: number) => steps[i % 6] ?? 0
  return [step(Math.floor((n - 16) / 36)), step(Math.floor((n - 16) / 6)), step(n - 16)]
}

/** contrast is the ratio of WCAG 2, from 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

/** A bit more than WCAG's 4.5, because a line under the pointer has a slightly different background. */
const enough = 5

/** readable is `color`, mixed with black or white as far as it has to be to have enough contrast to `background`. */
export function readable(color: Rgb, background: Rgb): Rgb {
  if (contrast(color, background) >= enough) return color
  const end: Rgb = contrast(white, background) > contrast(black, background) ? white : black
  for (let share = 0.1; share < 1; share += 0.1) {
    const mixed = mix(color, end, share)
    if (contrast(mixed, background) >= enough) return mixed
  }
  return end
}

/** css is a colour as CSS has it. */
export function css(color: Rgb): string {
  return `rgb(${color.join(' ')})`
}

/** parseRgb reads a colour as computed styles have it: "rgb(1, 2, 3)". */
export function parseRgb(text: string): Rgb | undefined {
  const parts = /^rgba?\((\d+)[, ]+(\d+)[, ]+(\d+)\)$/.exec(text.trim())?.slice(1).map(Number)
  return parts && [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0]
}

export const black: Rgb = [0, 0, 0]
export const white: Rgb = [255, 255, 255]

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const part = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * share)
  return [part(0), part(1), part(2)]
}

function luminance(color: Rgb): number {
  const [r, g, b] = color.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0)
}
