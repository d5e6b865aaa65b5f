// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { expect, test } from 'vitest'
import { CountedSlots, LockedSlots, type Slots } from './slots'

/** locks are Web Locks that are requested if they are available. */
function locks(): Pick<LockManager, 'request'> {
  const held = new Set<string>()
  const request = async (name: string, _: unknown, granted: (lock: { name: string } | null) => unknown) => {
    if (held.has(name)) return granted(null)
    held.add(name)
    await granted({ name })
    held.delete(name)
  }
  return { request } as unknown as LockManager
}

test.each<[string, () => Slots[]]>([
  [
    'of a thread',
    () => {
      const slots = new CountedSlots(2)
      return [slots, slots]
    },
  ],
  [
    'of two tabs',
    () => {
      const shared = locks()
      return [new LockedSlots(shared, 2), new LockedSlots(shared, 2)]
    },
  ],
])('slots %s are taken by so many at a time', async (_, create) => {
  const [one, two] = create()
  const first = await one?.take()
  const second = await two?.take()
  expect(first).toBeDefined()
  expect(second).toBeDefined()
  expect(await one?.take()).toBeUndefined()
  second?.()
  await new Promise((resolve) => setImmediate(resolve))
  expect(await one?.take()).toBeDefined()
  expect(await two?.take()).toBeUndefined()
})
