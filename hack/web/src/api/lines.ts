// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** lineBatches reads the lines of a stream, without their ends, in batches as they arrive. Empty lines are left out. */
export async function* lineBatches(
  body: ReadableStream<Uint8Array>,
  arrived: () => void = () => {},
): AsyncGenerator<string[]> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      arrived()
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
      const last = text.lastIndexOf('\n')
      if (last >= 0) {
        const lines = (rest + text.slice(0, last)).split('\n').filter((line) => line !== '')
        rest = text.slice(last + 1)
        if (lines.length > 0) yield lines
      } else {
        rest += text
      }
      if (done) break
    }
    if (rest !== '') yield [rest]
  } finally {
    reader.cancel().catch(() => {})
  }
}

/** parseLines parses lines of JSON. */
export function parseLines<T>(lines: string[]): T[] {
  return JSON.parse(`[${lines.join(',')}]`) as T[]
}
