// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { trustedURL } from '../api/trusted'
import type { Layout, LayoutInput } from './layout'
import workerURL from './worker.ts?worker&url'

/** Answer gets a layout, undefined if it can't be computed. */
export type Answer = (layout: Layout | undefined) => void

/** Layouter computes layouts in a worker, which it starts and ends. */
export class Layouter {
  private readonly waiting = new Map<number, Answer>()
  private readonly worker: Worker
  private last = 0
  private failed = false

  constructor() {
    this.worker = new Worker(trustedURL(new URL(workerURL, import.meta.url)), { type: 'module' })
    this.worker.addEventListener('error', () => {
      this.failed = true
      for (const answer of this.waiting.values()) answer(undefined)
      this.waiting.clear()
    })
    this.worker.addEventListener('message', ({ data }: MessageEvent<{ id: number; layout: Layout }>) => {
      this.waiting.get(data.id)?.(data.layout)
      this.waiting.delete(data.id)
    })
  }

  /** layOut answers later, unless the returned function is called before. */
  layOut(input: LayoutInput, answer: Answer): () => void {
    const id = ++this.last
    if (this.failed) {
      answer(undefined)
      return () => {}
    }
    this.waiting.set(id, answer)
    this.worker.postMessage({ id, input })
    return () => this.waiting.delete(id)
  }

  close(): void {
    this.worker.terminate()
  }
}
