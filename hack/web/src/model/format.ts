// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** moment is a time of the API in ms of the epoch, with its microseconds as a fraction, and 0 for none. */
export function moment(time: string | null | undefined): number {
  if (!time || time.startsWith('0001-')) return 0
  const ms = Date.parse(time)
  if (Number.isNaN(ms)) return 0
  // Date.parse drops what is finer than a millisecond.
  const fraction = /\.\d{3}(\d{1,3})/.exec(time)?.[1]
  return fraction ? ms + Number(fraction.padEnd(3, '0')) / 1000 : ms
}

/** between is the time from one moment to another in ms, -1 if either isn't known. It is never below 0 otherwise. */
export function between(from: number, to: number): number {
  return from === 0 || to === 0 ? -1 : Math.max(exact(to - from), 0)
}

/** exact removes what the fractions of large numbers add to a difference of microseconds. */
export function exact(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

/** duration is a time in ms with three digits or so: 75ms, 3.1s, 4m12s. It is empty for a negative one. */
export function duration(ms: number): string {
  if (ms < 0) return ''
  if (ms < 1000) return goDuration(round(ms, 1))
  if (ms < 60_000) return goDuration(round(ms, 100))
  return goDuration(round(ms, 1000))
}

function round(ms: number, unit: number): number {
  return Math.floor(exact(ms) / unit + 0.5) * unit
}

function goDuration(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 1000) return `${ms}ms`
  const seconds = `${(ms % 60_000) / 1000}s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes === 0) return seconds
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`
}

/** age is a time in ms as a table of the API server writes it: 90s, 5m30s, 3h, 2d4h. */
export function age(ms: number): string {
  const seconds = Math.trunc(exact(ms) / 1000)
  const minutes = Math.trunc(seconds / 60)
  const hours = Math.trunc(minutes / 60)
  const days = Math.trunc(hours / 24)
  const two = (a: number, first: string, b: number, second: string) => `${a}${first}${b ? `${b}${second}` : ''}`
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  if (hours < 192) return two(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  return days < 2920 ? two(Math.trunc(days / 365), 'y', days % 365, 'd') : `${Math.trunc(days / 365)}y`
}

/** times is how often something happened, in words. */
export function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`
}

/** percent is a part of a whole as people read it. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return '0 %'
  const share = (100 * part) / whole
  return share > 0 && share < 1 ? '< 1 %' : `${Math.round(share)} %`
}
