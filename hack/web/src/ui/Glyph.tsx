// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

const paths = {
  help: 'M6 6a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1v.4M8 11.8v.1M14.2 8A6.2 6.2 0 1 1 1.8 8a6.2 6.2 0 0 1 12.4 0z',
  settings: 'M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 2.8v3.4M6 9.8v3.4',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7 14 14',
  down: 'M4 6l4 4 4-4',
  more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  close: 'M4 4l8 8M12 4l-8 8',
  back: 'M10 3 5 8l5 5',
  out: 'M6 3H3v10h10v-3M9 3h4v4M13 3 7 9',
  trigger: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  user: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 14c.4-2.6 2.6-4 5.2-4s4.8 1.4 5.2 4',
} as const

/** Glyph is a picture beside a text, or on a button that has a label. It says nothing by itself. */
export function Glyph({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="glyph" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
