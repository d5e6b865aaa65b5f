// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { route } from '../router'
import type { Feed } from './feed'
import type { Find } from './find'
import { copy, save } from './format'
import { type Keyed, register } from './keys'
import { setParams } from './params'
import type { Viewport } from './Viewport'

/** How long it is said that something was done, in ms. */
const told = 4000

/** useReading is where the user is in a log, and what the pane does about it. */
export function useReading(feed: Feed, view: RefObject<Viewport | null>) {
  const { find: term } = route.value.params
  const finding = term !== undefined
  const typed = useRef<string>(undefined)
  const [current, setCurrent] = useState<number>()
  const [said, setSaid] = useState('')
  const [offered, offer] = useState(false)
  const [downloading, setDownloading] = useState(false)
  const wasOffered = useRef(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  const setTerm = (find: string | undefined) => {
    typed.current = find
    const { find: _, ...rest } = route.value.params
    setParams(find === undefined ? rest : { ...rest, find })
  }
  const say = (text: string) => {
    clearTimeout(timer.current)
    setSaid(text)
    timer.current = setTimeout(() => setSaid(''), told)
  }
  const jump = (seq: number) => {
    feed.show(seq)
    view.current?.show(seq)
  }
  const found = (seq: number) => {
    setCurrent(seq)
    jump(seq)
  }
  return {
    finding,
    term: term ?? '',
    /** The address has the term, not the user. */
    linked: term !== typed.current,
    current,
    said,
    offered,
    downloading,
    setTerm,
    say,
    jump,
    found,
    position: () => view.current?.first ?? 1,
    /** offer offers the search of the whole log, once. */
    offer: () => {
      if (!finding && !wasOffered.current) offer(true)
      wasOffered.current = true
    },
    find: (open: boolean) => {
      setTerm(open ? (term ?? '') : undefined)
      setCurrent(undefined)
      offer(false)
    },
    home: () => {
      feed.home()
      view.current?.show('home')
    },
    next: (find: Find | undefined, direction: 1 | -1) => {
      const seq = find?.next(current ?? view.current?.first ?? 0, direction)
      if (seq !== undefined) found(seq)
      return seq !== undefined
    },
    download: async (read: () => Promise<Blob>, name: string) => {
      setDownloading(true)
      try {
        save(await read(), name)
      } catch (error) {
        say(`The log couldn't be downloaded: ${error instanceof Error ? error.message : error}`)
      }
      setDownloading(false)
    },
    copy: async (read: () => Promise<string>, done: string) => {
      try {
        say((await copy(await read())) ? done : 'The browser doesn’t allow the page to copy')
      } catch (error) {
        say(`The lines couldn't be copied: ${error instanceof Error ? error.message : error}`)
      }
    },
  }
}

/** Reading is where the user is in a log, and what the pane does about it. */
export type Reading = ReturnType<typeof useReading>

/** useKeys has logKeys act on a pane while it is shown. */
export function useKeys(pane: RefObject<HTMLElement | null>, keyed: Omit<Keyed, 'element'>): void {
  const newest = useRef<Keyed>({ ...keyed, element: () => pane.current })
  newest.current = { ...keyed, element: () => pane.current }
  useEffect(() => register(newest), [])
}
