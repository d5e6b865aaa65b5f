// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { signal } from '@preact/signals'

/** View is a tab of a Session. */
export type View = 'table' | 'graph' | 'timeline' | 'log' | 'failures' | 'tiltfile'

/** Route is what the page shows. The fragment of its address holds it, so that it can be shared. */
export interface Route {
  /** The name of the Session; the list of Sessions without one. */
  session?: string
  /** A resource of the Session, "(Tiltfile)" for the Tiltfile. */
  resource?: string
  view?: View
  /** The path of an address that names no page. */
  unknown?: string
  /** Everything else, such as uid, seq, q, level, label, group, sort. */
  params: Record<string, string>
}

const views: readonly string[] = ['table', 'graph', 'timeline', 'log', 'failures', 'tiltfile']

/** parse reads a fragment such as "#/s/NAME/r/RESOURCE?seq=12". What isn't a path leads to the list of Sessions. */
export function parse(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#/, '').split(/\?(.*)/s)
  const params: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) params[name] = value
  const parts = path.split('/').filter(Boolean).map(decode)
  const [s, session, r, resource, more] = parts
  if (path.startsWith('/') && s !== undefined) {
    const resourceAt = r === undefined || (r === 'r' && resource !== undefined && more === undefined)
    if (s !== 's' || session === undefined || !resourceAt) return { unknown: path, params }
  }
  if (s !== 's' || session === undefined) return { params }
  const route: Route = { session, params }
  if (resource !== undefined) route.resource = resource
  if (params.view && views.includes(params.view)) {
    route.view = params.view as View
    delete params.view
  }
  return route
}

/** href is the fragment of a route. */
export function href(route: Partial<Route>): string {
  let path = '#/'
  if (route.session) path += `s/${encodeURIComponent(route.session)}`
  if (route.session && route.resource) path += `/r/${encodeURIComponent(route.resource)}`
  const query = new URLSearchParams(route.params)
  if (route.view) query.set('view', route.view)
  const text = query.toString()
  return text ? `${path}?${text}` : path
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** route is what the page shows now. */
export const route = signal<Route>(parse(location.hash))

addEventListener('hashchange', () => {
  route.value = parse(location.hash)
})

/** go shows another route; with replace it takes the place of the present one in the history. */
export function go(to: Partial<Route>, replace = false): void {
  const fragment = href(to)
  if (replace) history.replaceState(null, '', fragment)
  else history.pushState(null, '', fragment)
  route.value = parse(fragment)
}
