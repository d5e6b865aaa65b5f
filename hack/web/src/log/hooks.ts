// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useMemo, useReducer, useRef } from 'preact/hooks'
import type { Logs } from '../state/state'
import { Feed } from './feed'
import { Find } from './find'
import type { Soon } from './follower'
import { Pages, type Part } from './pages'

/** soon runs work before the next frame, and within a second where there are no frames. */
const soon: Soon = (work) => {
  const run = () => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
    work()
  }
  const frame = requestAnimationFrame(run)
  const timer = setTimeout(run, 1000)
}

/** useFeed is the feed of a part of a log. Another part, or another run, begins another one where `at` says. */
export function useFeed(logs: Logs, part: Part, run: string, at: () => number | undefined): Feed {
  const [, changed] = useReducer((n: number) => n + 1, 0)
  const key = JSON.stringify([part, run])
  const feed = useMemo(() => new Feed(logs, part, () => changed(undefined), soon), [logs, key])
  useEffect(() => {
    feed.open(at())
    return () => feed.close()
  }, [feed])
  return feed
}

/** How long after new lines a search goes on, in ms. */
const pause = 1000

/** useFind searches a part of the log for a term. `first` gets the first match. */
export function useFind(
  logs: Logs,
  part: Part,
  run: string,
  term: string,
  arrived: number,
  from: () => number,
  first: (seq: number) => void,
): Find | undefined {
  const [, changed] = useReducer((n: number) => n + 1, 0)
  const key = JSON.stringify([part, run])
  const find = useMemo(
    () => (term ? new Find(new Pages(logs, part), term, part.filter.re, () => changed(undefined)) : undefined),
    [logs, key, term],
  )
  useEffect(() => {
    void find?.start(from(), first)
    return () => find?.close()
  }, [find])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    if (!find || timer.current) return
    timer.current = setTimeout(() => {
      timer.current = undefined
      void find.more()
    }, pause)
  }, [find, arrived])
  useEffect(() => () => clearTimeout(timer.current), [])
  return find
}
