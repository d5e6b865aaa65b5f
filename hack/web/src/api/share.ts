// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** equal compares what JSON can hold. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((value, i) => equal(value, b[i]))
  if (Array.isArray(b)) return false
  const one = a as Record<string, unknown>
  const other = b as Record<string, unknown>
  let fields = 0
  for (const name in one) {
    if (!equal(one[name], other[name])) return false
    fields++
  }
  for (const _ in other) fields--
  return fields === 0
}

/** share returns what equals `next`, with the identity of each part of `old` that is still the same. */
export function share<T>(old: T | undefined, next: T): T {
  if (old === next || old === undefined || typeof old !== 'object' || typeof next !== 'object') return next
  if (old === null || next === null || Array.isArray(old) !== Array.isArray(next)) return next
  if (equal(old, next)) return old
  if (Array.isArray(next)) {
    const before = old as unknown[]
    return next.map((value, i) => share(before[i], value)) as T
  }
  const before = old as Record<string, unknown>
  const shared: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(next)) shared[name] = share(before[name], value)
  return shared as T
}
