// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** The objects of the API, by short names. Their fields are generated from the published OpenAPI document. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Session = Schemas['dev.tilt.session.pkg.apis.core.v1alpha1.Session']
export type SessionSpec = Schemas['dev.tilt.session.pkg.apis.core.v1alpha1.SessionSpec']
export type SessionStatus = Schemas['dev.tilt.session.pkg.apis.core.v1alpha1.SessionStatus']
export type Target = Schemas['dev.tilt.session.pkg.apis.core.v1alpha1.Target']
export type UIResource = Schemas['dev.tilt.session.pkg.apis.core.v1alpha1.UIResource']
export type UIButton = Schemas['dev.tilt.session.pkg.apis.core.v1alpha1.UIButton']

/** LogLine is a line of `sessions/NAME/log?format=json`. Its text is hostile: it may hold anything. */
export interface LogLine {
  /** The number of the line in the log of all resources of the Session, from 1. */
  seq: number
  /** RFC 3339 with microseconds. */
  time: string
  /** The resource that has written the line, "(Tiltfile)" for the Tiltfile. */
  resource: string
  level: 'info' | 'warn' | 'error'
  text: string
  /** The line is the rest of the previous one of the same resource and level. */
  continues?: boolean
  /** The line had no end yet. */
  unfinished?: boolean
  /** The line is of the run itself, not of a command. */
  own?: boolean
  /** So many lines of the resource directly before this one were dropped. */
  missed?: number
}
