// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useEffect, useRef } from 'preact/hooks'
import { go, route } from '../router'
import { keepLogParams } from './filter'

/** The filters of Sessions in this tab, for when the user comes back to a log. */
const remembered = new Map<string, Record<string, string>>()

/** setParams changes the parameters of the address, without an entry in the history. */
export function setParams(params: Record<string, string>): void {
  go({ ...route.value, params }, true)
}

/** remember sets parameters, the filter of which is used for other logs of the Session as well. */
export function remember(session: string, params: Record<string, string>): void {
  remembered.set(session, keepLogParams(params))
  setParams(params)
}

/** useRemembered filters a log of a Session as others of it were filtered, unless the address says something else. */
export function useRemembered(session: string): void {
  useEffect(() => {
    const { params } = route.value
    const kept = remembered.get(session) ?? {}
    const free = !params.seq && Object.keys(keepLogParams(params)).length === 0
    if (free && Object.keys(kept).length > 0) setParams({ ...params, ...kept })
  }, [session])
}

/** useLinked shows the line that the address links to. A pane that sets the address itself sets the reference as well. */
export function useLinked(seq: number | undefined, show: (seq: number) => void) {
  const linked = useRef<number>(undefined)
  useEffect(() => {
    if (seq !== undefined && seq !== linked.current) show(seq)
    linked.current = seq
  })
  return linked
}
