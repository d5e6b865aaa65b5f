// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { ComponentChildren } from 'preact'
import { href, type Route } from '../router'
import { visible } from './text'

interface Props {
  title: string
  children: ComponentChildren
}

/** Empty is a page that has a text and a next step instead of content. */
export function Empty({ title, children }: Props) {
  return (
    <div class="empty">
      <h1 class="wraps">{title}</h1>
      {children}
    </div>
  )
}

/** Gone is a Session that isn't there, or not any more. */
export function Gone({ name, deleted }: { name: string; deleted?: boolean }) {
  return (
    <Empty title={deleted ? `The Session ${visible(name)} was deleted` : `There is no Session ${visible(name)}`}>
      <p>{deleted ? 'Its log and its history are gone with it.' : 'It may have ended, or this is another server.'}</p>
      <p>
        <a href={href({ params: { all: '1' } })}>All Sessions</a>
      </p>
    </Empty>
  )
}

/** NoPage is an address that names no page. */
export function NoPage({ path }: { path: string }) {
  return (
    <Empty title="There is no such page">
      <p>
        The address ends with <code class="wraps">#{visible(path)}</code>, which is neither a Session nor a resource.
      </p>
      <p>
        <a href={href({ params: { all: '1' } })}>All Sessions</a>
      </p>
    </Empty>
  )
}

/** NoResource is a resource that the Tiltfile doesn't define, or not any more. */
export function NoResource({ session, name }: { session: string; name: string }) {
  return (
    <Empty title={`There is no resource ${visible(name)}`}>
      <p>The Tiltfile doesn't define it now. It may have another name, or be gone since its last change.</p>
      <p>
        <a href={href({ session, view: 'table' })}>All resources</a>
      </p>
    </Empty>
  )
}

/** OtherRun is a link into an earlier run of the same name. What it points to isn't there any more. */
export function OtherRun({ route: { session = '', resource, view, params } }: { route: Route }) {
  const { uid: _, seq: __, ...rest } = params
  const to = { session, params: rest, ...(resource && { resource }), ...(view && { view }) }
  return (
    <Empty title="This link is of an earlier run">
      <p>
        Another run has the name {visible(session)} now. The lines and executions that the link points to were those of
        the run before, and went with it.
      </p>
      <p>
        <a href={href(to)}>Show the same place in the present run</a>
      </p>
    </Empty>
  )
}
