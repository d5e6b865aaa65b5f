// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { trustedURL } from '../api/trusted'
import type { Layout, LayoutInput } from './layout'
import workerURL from './worker.ts?worker&url'

/** Layouter computes layouts, in a worker where there is one. */
export interface Layouter {
  layOut(input: LayoutInput): Promise<Layout>
  close(): void
}

type Answer = (layout: Layout) => void

/** newLayouter starts a worker. If it doesn't work, or fails later, layouts are computed by the page itself. */
export function newLayouter(): Layouter {
  const waiting = new Map<number, { input: LayoutInput; answer: Answer; fail: (reason: unknown) => void }>()
  let worker = start()
  let last = 0
  const here = async () => {
    worker?.terminate()
    worker = undefined
    const requests = [...waiting.values()]
    waiting.clear()
    for (const { input, answer, fail } of requests) compute(input).then(answer, fail)
  }
  worker?.addEventListener('error', here)
  worker?.addEventListener('message', ({ data }: MessageEvent<{ id: number; layout: Layout }>) => {
    waiting.get(data.id)?.answer(data.layout)
    waiting.delete(data.id)
  })
  return {
    layOut(input) {
      const id = ++last
      if (!worker) return compute(input)
      worker.postMessage({ id, input })
      return new Promise((answer, fail) => waiting.set(id, { input, answer, fail }))
    },
    close() {
      worker?.terminate()
      waiting.clear()
    },
  }
}

function start(): Worker | undefined {
  try {
    return new Worker(trustedURL(new URL(workerURL, import.meta.url)), { type: 'module' })
  } catch {
    return undefined
  }
}

async function compute(input: LayoutInput): Promise<Layout> {
  const { layOut } = await import('./layout')
  return layOut(input)
}
