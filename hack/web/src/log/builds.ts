// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Session, UIResource } from '../api/types'
import { clock, elapsed } from './format'

/** Build is an update of a resource, and which lines of the log it has written. */
export interface Build {
  id: string
  label: string
  /** The first line, and the one after the last, 0 while it goes on. */
  first: number
  end: number
}

/** buildsOf are the updates of a resource of which the lines are known, newest first. */
export function buildsOf(resource: UIResource | undefined): Build[] {
  const status = resource?.status
  const builds: Build[] = []
  const current = status?.currentBuild
  if (current?.firstLine) {
    const label = [time(current.startTime), current.reason, 'going on'].filter(Boolean).join(' · ')
    builds.push({ id: current.spanID || String(current.firstLine), label, first: current.firstLine, end: 0 })
  }
  for (const build of status?.buildHistory ?? []) {
    if (!build.firstLine) continue
    const took = Date.parse(build.finishTime ?? '') - Date.parse(build.startTime ?? '')
    const parts = [
      time(build.startTime),
      build.reason,
      Number.isNaN(took) ? '' : elapsed(took),
      build.error ? 'failed' : '',
    ]
    builds.push({
      id: build.spanID || String(build.firstLine),
      label: parts.filter(Boolean).join(' · '),
      first: build.firstLine,
      end: build.endLine ?? 0,
    })
  }
  return builds
}

function time(text: string | null | undefined): string {
  return text ? clock(new Date(text)).slice(0, 8) : ''
}

/** keptText says how long the log of a Session that has ended is there. */
export function keptText(session: Session | undefined): string {
  const ttl = session?.spec?.ttlSecondsAfterFinished
  const done = session?.status?.conditions?.find(({ type, status }) => doneTypes.has(type) && status === 'True')
  if (!session?.status?.done || ttl === undefined || !done?.lastTransitionTime) {
    return 'the log is kept until the Session is deleted or its server ends'
  }
  const until = new Date(Date.parse(done.lastTransitionTime) + ttl * 1000)
  return `the log is kept until ${until.toLocaleString()}`
}

const doneTypes = new Set(['Succeeded', 'Failed'])
