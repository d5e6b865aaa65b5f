// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { moment } from '../model/format'
import { type Row, rowOf } from '../model/rows'
import { href } from '../router'
import { useShown } from './session'
import { Clock } from './Time'
import { visible } from './text'

/** Facts are what a resource is: its commands, its place in the Tiltfile, and what it needs. */
export function Facts({ row }: { row: Row }) {
  const { resources } = useShown()
  const status = row.resource?.status
  const ended = row.targets[0]?.state.terminated
  const needs = status?.dependencies ?? []
  const neededBy = [...resources].filter(([, other]) => other.status.dependencies?.includes(row.name))
  const k8s = status?.k8sResourceInfo
  return (
    <section aria-label="Facts">
      <dl class="facts">
        <Fact title="Type">{row.type}</Fact>
        <Fact title="Since">{row.span && <Clock at={row.span.to || row.span.from} />}</Fact>
        <Fact title="Exit">{exitOf(ended)}</Fact>
        <Fact title="Restarts">{row.restarts > 0 && row.restarts}</Fact>
        <Fact title="Update">
          {status?.updateCommand && <code class="wraps">{visible(status.updateCommand)}</code>}
        </Fact>
        <Fact title="Serve">{status?.serveCommand && <code class="wraps">{visible(status.serveCommand)}</code>}</Fact>
        <Fact title="Runs">{status && row.type !== 'Tiltfile' && modes[status.triggerMode ?? 0]}</Fact>
        <Fact title="Pending">{status?.hasPendingChanges && 'changes that have not run yet'}</Fact>
        <Fact title="Pod">{k8s?.podName && visible(`${k8s.podName} ${k8s.podStatus ?? ''}`)}</Fact>
        <Fact title="Needs">{needs.length > 0 && <Names names={needs} />}</Fact>
        <Fact title="Needed by">{neededBy.length > 0 && <Names names={neededBy.map(([name]) => name)} />}</Fact>
        <Fact title="Labels">{row.labels.length > 0 && row.labels.map(visible).join(', ')}</Fact>
        <Fact title="Defined">{status?.position && <code class="wraps">{visible(status.position)}</code>}</Fact>
        <Fact title="Deployed">
          {moment(status?.lastDeployTime) > 0 && <Clock at={moment(status?.lastDeployTime)} />}
        </Fact>
      </dl>
    </section>
  )
}

/** modes are when a resource runs, by its trigger mode. */
const modes: readonly string[] = [
  'at the start, and when its files change',
  'at the start, then on request',
  'on request',
  'when its files change',
]

function Fact({ title, children }: { title: string; children: ComponentChildren }) {
  if (!children) return null
  return (
    <div>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function exitOf(ended: { exitCode?: number; signal?: string } | undefined): string {
  if (ended?.signal) return `signal: ${ended.signal}`
  return ended?.exitCode === undefined ? '' : `code ${ended.exitCode}`
}

function Names({ names }: { names: readonly string[] }) {
  const { rows, name: session } = useShown()
  return (
    <span class="inline">
      {names.map((name) => {
        const row = rowOf(rows.byName, name)
        return row === undefined ? (
          <span key={name}>{visible(name)}</span>
        ) : (
          <a key={name} href={href({ session, resource: row })}>
            {visible(row)}
          </a>
        )
      })}
    </span>
  )
}
