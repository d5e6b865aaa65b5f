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

/**
 * share returns what equals `next`, with the identity of each part of `old` that is still the same. It takes `next`
 * over: parts of it are replaced by those of `old`.
 */
export function share<T>(old: T | undefined, next: T): T {
  if (old === next || typeof old !== 'object' || typeof next !== 'object') return next
  if (old === null || next === null || Array.isArray(old) !== Array.isArray(next)) return next
  const before = old as Record<string, unknown>
  const after = next as Record<string, unknown>
  // Each part is looked at once: the whole is the same if all of its parts are.
  let fields = Object.keys(before).length
  let same = true
  for (const name in after) {
    const part = share(before[name], after[name])
    if (part !== before[name]) same = false
    else if (part !== after[name]) after[name] = part
    fields--
  }
  return same && fields === 0 ? old : next
}
