// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"iter"
	"slices"
	"time"
)

// Selection is the part of a store that's to be read.
type Selection struct {
	// Sources are those whose lines are wanted, all if there's none.
	Sources []string
	// Since leaves out lines that were written before it.
	Since time.Time
	// Tail is how many lines are wanted, at most, of those that are there when
	// reading begins: the last ones. Nil is all of them.
	Tail *int64
	// Until is closed when no more lines are to be waited for: what's there by
	// then is the end. Nil is now.
	Until <-chan struct{}
}

// Batch is lines that were there at once. It doesn't change.
type Batch struct{ parts []part }

// mostParts is how many blocks a batch has at most.
const mostParts = 64

// part is the lines of a block from index first on, and how many lines of the
// same source are missing directly before them.
type part struct {
	*block
	first  int
	missed uint64
}

// Lines yields the lines in order, each with how many lines of its source
// directly before it are missing, because the store has dropped them since
// reading began. It may be ranged over several times.
func (b Batch) Lines() iter.Seq2[Line, uint64] {
	return func(yield func(Line, uint64) bool) {
		for _, p := range b.parts {
			missed := p.missed
			for i, text := range p.all(p.first) {
				if !yield(p.line(i, text), missed) {
					return
				}
				missed = 0
			}
		}
	}
}

// Read yields what's selected, in batches that aren't empty. It ends at the end
// of the selection, when the store was closed and all was yielded, or when ctx is
// done. It runs in the caller's goroutine, holds nobody up and needs no closing.
func (s *Store) Read(ctx context.Context, selection Selection) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		r := s.begin(selection)
		for ctx.Err() == nil {
			batch, grown := r.take()
			if len(batch.parts) > 0 {
				if !yield(batch) {
					return
				}
				continue
			}
			if grown == nil {
				return
			}
			select {
			case <-ctx.Done():
			case <-grown:
			case <-r.Until:
				r.Until = nil
				r.end = s.Newest() + 1
			}
		}
	}
}

// reader is how far a Read has come. Its goroutine has it to itself.
type reader struct {
	Selection
	store *Store
	// next is the number of the next line to look at, end that of the first one
	// that isn't wanted any more while Until is nil.
	next, end uint64
	// expected is how many lines of a source come before the next one of it
	// that's to be seen.
	expected map[*source]uint64
}

// begin finds the first line that's wanted.
func (s *Store) begin(selection Selection) *reader {
	r := &reader{Selection: selection, store: s, expected: map[*source]uint64{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.next, r.end = 1, s.next
	if r.Tail != nil {
		r.next = r.tail(*r.Tail)
	}
	for _, src := range s.sources {
		r.expected[src] = src.written
	}
	for _, e := range s.blocks[s.position(r.next):] {
		if e.block != nil && e.after() > r.next {
			r.expected[e.source] = min(r.expected[e.source], e.before)
		}
	}
	return r
}

// tail returns the number of the first of the last n lines that are wanted.
func (r *reader) tail(n int64) uint64 {
	if n <= 0 {
		return r.store.next
	}
	for _, e := range slices.Backward(r.store.blocks) {
		if !r.wants(e.block) {
			continue
		}
		lines := int64(e.count)
		if e.continues {
			lines-- // The first is no line without its beginning.
		}
		if lines >= n {
			return e.after() - uint64(n)
		}
		n -= lines
	}
	return 1
}

// wants tells whether the lines of a block are selected.
func (r *reader) wants(b *block) bool {
	return b != nil && !b.time.Before(r.Since) &&
		(len(r.Sources) == 0 || slices.Contains(r.Sources, b.source.name))
}

// take returns what there is of the selection next. If that's nothing, the
// channel is closed when there may be more; it's nil at the end.
func (r *reader) take() (taken Batch, grown <-chan struct{}) {
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	end := s.next
	if r.Until == nil {
		end = r.end
	}
	if s.closed {
		end = min(end, s.end)
	}
	for _, e := range s.blocks[s.position(r.next):] {
		if len(taken.parts) == mostParts || e.first >= end {
			break
		}
		if e.block == nil || e.after() <= r.next {
			continue
		}
		p := part{block: e.block, first: int(max(r.next, e.first) - e.first), missed: e.before - min(e.before, r.expected[e.source])}
		r.next, r.expected[e.source] = e.after(), e.before+uint64(e.count)
		if r.wants(e.block) {
			taken.parts = append(taken.parts, p)
		}
	}
	if len(taken.parts) > 0 || r.Until == nil || s.closed {
		return taken, nil
	}
	return taken, s.growth()
}
