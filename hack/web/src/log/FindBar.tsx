// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

import { Field } from './controls'
import type { Find } from './find'
import { reason } from './Notices'

interface Props {
  find: Find | undefined
  term: string
  /** The match that is shown. */
  current: number | undefined
  re: boolean
  onTerm(term: string): void
  onNext(direction: 1 | -1): void
  onClose(): void
}

/** FindBar looks for a term in the whole log. */
export function FindBar({ find, term, current, re, onTerm, onNext, onClose }: Props) {
  const keys = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onClose()
    else if (event.key === 'Enter' && find?.term === (event.currentTarget as HTMLInputElement).value) {
      onNext(event.shiftKey ? -1 : 1)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <search class="log-find">
      <Field label="Find" value={term} focus onValue={onTerm} onKey={keys} error={find?.error?.message} />
      <button type="button" class="log-button" title="Previous match (N)" onClick={() => onNext(-1)}>
        Previous
      </button>
      <button type="button" class="log-button" title="Next match (n)" onClick={() => onNext(1)}>
        Next
      </button>
      <output class="log-count" aria-live="polite">
        {said(find, current, re)}
      </output>
      <button type="button" class="log-button" title="Close (Escape)" onClick={onClose}>
        Close
      </button>
    </search>
  )
}

function said(find: Find | undefined, current: number | undefined, re: boolean): string {
  if (!find) return re ? 'Regular expressions, in RE2’s syntax' : ''
  if (find.error) return reason(find.error.message)
  if (find.searching && find.seqs.length === 0) return 'Searching…'
  return find.seqs.length === 0 ? 'No matches' : find.count(current)
}
