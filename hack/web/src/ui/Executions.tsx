// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useMemo } from 'preact/hooks'
import { duration } from '../model/format'
import { compareRuns, durations, type Execution, executionsOf } from '../model/history'
import type { Row } from '../model/rows'
import { href } from '../router'
import { StateMark } from './State'
import { useShown } from './session'
import { Clock, Elapsed } from './Time'
import { plural, visible } from './text'

/** Executions are the runs of a resource's update that are known, the newest first. */
export function Executions({ row }: { row: Row }) {
  const list = useMemo(() => executionsOf(row.resource), [row.resource])
  if (list.length === 0) return null
  const recent = list.filter((e) => e.took >= 0)
  const [last, before] = recent
  const comparison = last && before && compareRuns(last, before)
  return (
    <section aria-label="Executions">
      <h2 class="row">
        Executions <span class="muted">{list.length}</span>
        <Spark executions={list} />
      </h2>
      {comparison && (
        <p class="muted">
          The last one took {comparison}
          {comparison === 'as long' ? ' as' : ' than'} the one before.
        </p>
      )}
      <ol class="runs">
        {list.map((execution) => (
          <Run key={execution.n} execution={execution} row={row} />
        ))}
      </ol>
    </section>
  )
}

function Run({ execution, row }: { execution: Execution; row: Row }) {
  const { name, session } = useShown()
  const { n, reason, files, fileCount, start, took, error, finish, firstLine, attempt, liveUpdate } = execution
  const phase = finish === 0 ? 'active' : error ? 'failed' : 'succeeded'
  const uid = session.metadata.uid ?? ''
  const to = href({ session: name, resource: row.name, params: { seq: `${firstLine}`, uid } })
  return (
    <li>
      <StateMark phase={phase} signOnly />
      <div class="run">
        <div class="row">
          {firstLine > 0 ? (
            <a href={to} title="Show its log">
              #{n}
            </a>
          ) : (
            <span>#{n}</span>
          )}
          <span>{reason}</span>
          {attempt > 0 && <span class="tag">attempt {attempt + 1}</span>}
          {liveUpdate && <span class="tag">live update</span>}
        </div>
        {files.length > 0 && <Files files={files} count={fileCount} />}
        {error && <div class="bad tone wraps">{exit(execution)}</div>}
      </div>
      <div class="when">
        <strong>{finish === 0 ? <Elapsed from={start} /> : duration(took)}</strong>
        <span class="muted">
          <Clock at={start} />
        </span>
      </div>
    </li>
  )
}

function exit({ signal, exitCode, error }: Execution): string {
  if (signal) return `signal: ${signal}`
  return exitCode === undefined ? visible(error.split('\n')[0] ?? '') : `exit code ${exitCode}`
}

function Files({ files, count }: { files: readonly string[]; count: number }) {
  const [first = ''] = files
  if (count === 1) return <div class="muted wraps mono">{visible(first)}</div>
  return (
    <details>
      <summary class="muted">{plural(count, 'file')}</summary>
      <ul class="mono">
        {files.map((file) => (
          <li key={file} class="wraps">
            {visible(file)}
          </li>
        ))}
        {count > files.length && <li>and {count - files.length} more</li>}
      </ul>
    </details>
  )
}

const width = 6
const height = 16

/** Spark are the durations of the last executions as bars; failed ones have another colour, and a foot. */
function Spark({ executions }: { executions: readonly Execution[] }) {
  const list = durations(executions)
  if (list.length < 2) return null
  const most = Math.max(...list.map(({ ms }) => ms), 1)
  const failed = list.filter((e) => e.failed).length
  const label = `The last ${plural(list.length, 'duration')}, at most ${duration(most)}${failed ? `, ${failed} failed` : ''}`
  return (
    <svg class="spark" role="img" aria-label={label} width={list.length * width} height={height + 2}>
      <title>{label}</title>
      {list.map(({ ms, failed }, i) => {
        const size = Math.max(2, Math.round((ms / most) * height))
        return (
          <g key={i} class={failed ? 'bad' : 'ok'}>
            <rect x={i * width} y={height - size} width={width - 2} height={size} />
            {failed && <rect x={i * width} y={height + 1} width={width - 2} height={1} />}
          </g>
        )
      })}
    </svg>
  )
}
