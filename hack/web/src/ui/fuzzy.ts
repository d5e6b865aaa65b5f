// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * score is how well a text has the characters of a query in their order, -1 if it hasn't. The beginnings of words and
 * characters that follow each other count more, and so does a short text.
 */
export function score(query: string, text: string): number {
  const wanted = query.toLowerCase().replace(/\s+/g, '')
  const lower = text.toLowerCase()
  let points = 0
  let at = -1
  for (const c of wanted) {
    const next = lower.indexOf(c, at + 1)
    if (next < 0) return -1
    if (next === at + 1) points += 4
    if (next === 0 || /[^a-z0-9]/.test(lower[next - 1] ?? '')) points += 6
    at = next
  }
  if (wanted && lower.includes(wanted)) points += 10
  return points + Math.max(0, 20 - text.length / 4)
}

/** best are the things whose texts match a query, the best first. Without a query they stay in their order. */
export function best<T>(query: string, list: readonly T[], text: (item: T) => string, limit: number): T[] {
  if (!query.trim()) return list.slice(0, limit)
  return list
    .map((item) => ({ item, points: score(query, text(item)) }))
    .filter(({ points }) => points >= 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, limit)
    .map(({ item }) => item)
}
