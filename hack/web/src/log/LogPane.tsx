// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { settings } from '../settings'
import { useDrag } from './drag'
import { draw } from './draw'
import { FindBar } from './FindBar'
import type { Feed } from './feed'
import './log.css'
import { Blank, Foot, Notices } from './Notices'
import { Toolbar } from './Toolbar'
import { useLog } from './useLog'
import { Viewport } from './Viewport'

interface Props {
  session: string
  /** All of the Session if empty. */
  resources: string[]
}

/** LogPane is the log of a Session, or of some of its resources. */
export function LogPane(props: Props) {
  return <Pane key={JSON.stringify([props.session, props.resources])} {...props} />
}

function Pane({ session: name, resources }: Props) {
  const log = useLog(name, resources)
  const { filter, feed, find, reading, view, seen, notices, range } = log
  useDrag(view, log.dragged)
  return (
    <section class="log" ref={log.pane} aria-label={log.label}>
      <Toolbar
        filter={filter}
        builds={log.builds}
        error={log.invalid}
        finding={reading.finding}
        downloading={reading.downloading}
        onFilter={log.setFilter}
        onFind={() => reading.find(!reading.finding)}
        onDownload={log.download}
      />
      {reading.finding && (
        <FindBar
          find={find}
          term={reading.term}
          current={reading.current}
          re={filter.re}
          onTerm={reading.setTerm}
          onNext={(direction) => reading.next(find, direction)}
          onClose={() => {
            reading.find(false)
            view.current?.focus()
          }}
        />
      )}
      <Notices {...notices} />
      <div class="log-body">
        <Viewport
          handle={view}
          window={feed.window}
          wrap={settings.wrap.value}
          columns={`${seen.timestamps} ${seen.resource}`}
          label={log.label}
          following={feed.following}
          settled={(window) => feed.busy !== 'jump' && feed.window === window}
          draw={(row, index, tab) => draw(log.drawing, row, index, tab)}
          onFollow={(following) => (following ? feed.end() : feed.stay())}
          onNear={(end) => (end === 'start' ? feed.older() : feed.newer())}
          onKey={log.pressed}
          onClick={log.clicked}
        />
        <Blank {...notices} />
        <div class="log-pills">
          <p class="log-said" role="status">
            {reading.said}
          </p>
          {range && range.to > range.from && (
            <button type="button" class="log-pill" title="Copy the lines (c)" onClick={log.copySelected}>
              Copy lines {range.from}–{range.to}
            </button>
          )}
          <Pill feed={feed} />
        </div>
      </div>
      <Foot {...notices} />
    </section>
  )
}

function Pill({ feed }: { feed: Feed }) {
  if (feed.following || feed.phase.name !== 'ready') return null
  const lines = `${feed.unseen.toLocaleString('en')} new ${feed.unseen === 1 ? 'line' : 'lines'}`
  return (
    <button type="button" class="log-pill" title="Follow the log (End)" onClick={() => feed.end()}>
      {feed.unseen > 0 ? lines : 'To the end'} ↓
    </button>
  )
}
