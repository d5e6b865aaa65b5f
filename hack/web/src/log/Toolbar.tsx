// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { useState } from 'preact/hooks'
import { settings } from '../settings'
import type { Build } from './builds'
import { Choice, Field, Toggle } from './controls'
import { type Filter, filters, noFilter } from './filter'
import type { Format, Timestamps } from './format'

interface Props {
  filter: Filter
  builds: readonly Build[]
  /** Why the server refuses the expression. */
  error: string | undefined
  finding: boolean
  downloading: boolean
  onFilter(filter: Filter): void
  onFind(): void
  onDownload(format: Format): void
}

const levels = [
  ['info', 'All'],
  ['warn', 'Warnings and errors'],
  ['error', 'Errors'],
] as const
const sources = [
  ['', 'All lines'],
  ['output', 'Output of commands'],
  ['own', 'Of the run itself'],
] as const
const contexts = [0, 1, 3, 5, 10, 20].map((n) => [String(n), n === 0 ? 'None' : `± ${n} lines`] as const)
const times: readonly (readonly [Timestamps, string])[] = [
  ['off', 'Off'],
  ['clock', 'Clock'],
  ['start', 'Since start'],
  ['previous', 'Since previous line'],
]

/** nextTimestamps shows other times: the choice after the present one. */
export function nextTimestamps(): void {
  const at = times.findIndex(([kind]) => kind === settings.timestamps.value)
  settings.timestamps.value = times[(at + 1) % times.length]?.[0] ?? 'off'
}

/** toggleWrap wraps long lines, or doesn't any more. */
export function toggleWrap(): void {
  settings.wrap.value = !settings.wrap.value
}

/** Toolbar is what a reader of the log can choose. */
export function Toolbar(props: Props) {
  const { filter, onFilter } = props
  const [more, setMore] = useState(!!(filter.not || filter.src || filter.ctx || filter.build))
  const set = (part: Partial<Filter>) => onFilter({ ...filter, ...part })
  return (
    <div class="log-toolbar">
      <Field label="Filter" value={filter.q} placeholder="text" error={props.error} onValue={(q) => set({ q })} />
      <Toggle
        text=".*"
        title="Regular expressions, in RE2's syntax"
        pressed={filter.re}
        onPress={() => set({ re: !filter.re })}
      />
      <button type="button" class="log-button" aria-expanded={props.finding} title="Find (f)" onClick={props.onFind}>
        Find
      </button>
      <Toggle text="Wrap" title="Wrap long lines (w)" pressed={settings.wrap.value} onPress={toggleWrap} />
      <button type="button" class="log-button" aria-expanded={more} onClick={() => setMore(!more)}>
        More
      </button>
      {filters(filter) && (
        <button type="button" class="log-button" onClick={() => onFilter({ ...noFilter, re: filter.re })}>
          Show all lines
        </button>
      )}
      {more && <Rest {...props} set={set} />}
    </div>
  )
}

function Rest(props: Props & { set(part: Partial<Filter>): void }) {
  const { filter, builds, set, onDownload } = props
  return (
    <div class="log-more-tools">
      <Field label="Without" value={filter.not} placeholder="text" onValue={(not) => set({ not })} />
      <Choice
        label="Level"
        value={filter.level}
        options={levels}
        onValue={(level) => set({ level: level as Filter['level'] })}
      />
      <Choice
        label="Lines"
        value={filter.src}
        options={sources}
        onValue={(src) => set({ src: src as Filter['src'] })}
      />
      <Choice
        label="Around"
        value={String(filter.ctx)}
        options={withPresent(contexts, String(filter.ctx))}
        onValue={(ctx) => set({ ctx: Number(ctx) })}
      />
      {builds.length > 0 && (
        <Choice
          label="Update"
          value={filter.build}
          options={[['', 'The whole log'], ...builds.map((build) => [build.id, build.label] as const)]}
          onValue={(build) => set({ build })}
        />
      )}
      <Choice
        label="Times"
        value={settings.timestamps.value}
        options={times}
        onValue={(kind) => {
          settings.timestamps.value = kind as Timestamps
        }}
      />
      <fieldset class="log-downloads" disabled={props.downloading}>
        <legend>{props.downloading ? 'Downloading…' : 'Download all lines'}</legend>
        <button type="button" class="log-button" onClick={() => onDownload('text')}>
          Text
        </button>
        <button type="button" class="log-button" onClick={() => onDownload('ansi')}>
          With colours
        </button>
        <button type="button" class="log-button" onClick={() => onDownload('ndjson')}>
          NDJSON
        </button>
      </fieldset>
    </div>
  )
}

function withPresent(options: readonly (readonly [string, string])[], value: string) {
  return options.some(([option]) => option === value) ? options : [...options, [value, `± ${value} lines`] as const]
}
