// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import type { Target } from '../api/types'

/** The names of images begin with it among targets, rows, logs and dependencies. */
export const imagePrefix = 'image:'

/** The name of the Tiltfile among resources. */
export const tiltfileResource = '(Tiltfile)'

/** isImage tells the name of the row of an image from that of a resource. */
export function isImage(row: string): boolean {
  return row.startsWith(imagePrefix)
}

/** sources are the sources of the log that have the output of a target: its resources, or the image itself. */
export function sources(t: Target): readonly string[] {
  const ofResource = () => t.resources.some((resource) => t.name.startsWith(`${resource}:`))
  return t.name.startsWith(imagePrefix) && !ofResource() ? [t.name] : t.resources
}
