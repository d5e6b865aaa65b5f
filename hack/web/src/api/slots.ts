// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/**
 * Slots are the connections that may be streams at the same time. Over HTTP/1.1 a browser has six for a server, in all
 * its tabs together.
 */
export interface Slots {
  /** take resolves with what releases the slot, or with undefined if all are taken. */
  take(): Promise<(() => void) | undefined>
}

/** CountedSlots are those of one thread. */
export class CountedSlots implements Slots {
  private taken = 0

  constructor(private readonly size: number) {}

  async take(): Promise<(() => void) | undefined> {
    if (this.taken >= this.size) return undefined
    this.taken++
    return () => {
      this.taken--
    }
  }
}

/** LockedSlots are those of all tabs, a Web Lock each. A tab that is gone has released its own. */
export class LockedSlots implements Slots {
  constructor(
    private readonly locks: Pick<LockManager, 'request'>,
    private readonly size: number,
  ) {}

  async take(): Promise<(() => void) | undefined> {
    for (let i = 0; i < this.size; i++) {
      const release = await this.try(`tilt-session-stream-${i}`)
      if (release) return release
    }
    return undefined
  }

  private try(name: string): Promise<(() => void) | undefined> {
    return new Promise((resolve) => {
      this.locks
        .request(name, { ifAvailable: true }, (lock) => {
          if (!lock) {
            resolve(undefined)
            return undefined
          }
          return new Promise<void>((release) => resolve(release))
        })
        .catch(() => resolve(undefined))
    })
  }
}

/** alive holds a lock as long as this thread lives, and returns its name; undefined where there are no locks. */
export async function alive(): Promise<string | undefined> {
  if (!navigator.locks) return undefined
  const name = `tilt-session-alive-${crypto.randomUUID()}`
  return new Promise((resolve) => {
    navigator.locks
      .request(name, () => {
        resolve(name)
        return new Promise(() => {})
      })
      .catch(() => resolve(undefined))
  })
}
