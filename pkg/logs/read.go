// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"iter"
	"slices"
	"time"
)

// Selection selects lines of a store.
type Selection struct {
	// Sources selects the lines of these sources. Empty selects all.
	Sources []string
	// Since excludes earlier lines.
	Since time.Time
	// Tail limits the lines that exist when reading begins to the last ones. Nil is no limit.
	Tail *int64
	// Until ends the selection when it is closed: with the last line by then. Nil
	// ends it with the last line when reading begins.
	Until <-chan struct{}
}

// Batch is an immutable sequence of lines.
type Batch struct{ parts []part }

// mostParts is the largest number of blocks in a batch.
const mostParts = 64

// part holds the lines of a block from index first on. missed counts the lines of
// the same source that are missing directly before them.
type part struct {
	*block
	first  int
	missed uint64
}

// Lines yields the lines in order. With each it yields the number of lines of its source that are missing directly
// before it, because the store has dropped them since reading began. The sequence may be used several times.
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

// Read yields the selected lines in batches that aren't empty. It ends at the end of the selection, after the last line
// of a closed store, or when ctx is done. It runs in the caller's goroutine, never delays writers and needs no cleanup.
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
				r.stopFollowing()
			}
		}
	}
}

// reader is the state of one Read. Only its goroutine uses it.
type reader struct {
	Selection
	store *Store
	// next is the number of the next line to examine. end is the number after the last line, valid while Until is nil.
	next, end uint64
	// expected counts the lines of a source before the next one that is examined.
	expected map[*source]uint64
}

// begin finds the first selected line.
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

// tail returns the number of the first of the last n selected lines.
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
			lines-- // The first belongs to a line of an earlier block.
		}
		if lines >= n {
			return e.after() - uint64(n)
		}
		n -= lines
	}
	return 1
}

// wants reports whether the lines of a block are selected.
func (r *reader) wants(b *block) bool {
	return b != nil && !b.time.Before(r.Since) &&
		(len(r.Sources) == 0 || slices.Contains(r.Sources, b.source.name))
}

// stopFollowing ends the selection with the present last line.
func (r *reader) stopFollowing() {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.Until, r.end = nil, r.store.followedEnd()
}

// take returns the next selected lines. If there are none, grown is closed when there may be more, or nil at the end.
func (r *reader) take() (taken Batch, grown <-chan struct{}) {
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	end := r.end
	if r.Until != nil {
		end = s.followedEnd()
	}
	for _, e := range s.blocks[s.position(r.next):] {
		if len(taken.parts) == mostParts || e.first >= end {
			break
		}
		if e.block == nil || e.after() <= r.next {
			continue
		}
		p := part{
			block:  e.block,
			first:  int(max(r.next, e.first) - e.first),
			missed: e.before - min(e.before, r.expected[e.source]),
		}
		r.next, r.expected[e.source] = e.after(), e.before+uint64(e.count)
		if r.wants(e.block) {
			taken.parts = append(taken.parts, p)
		}
	}
	if len(taken.parts) > 0 || r.Until == nil || s.closed {
		return taken, nil
	}
	if s.grown == nil {
		s.grown = make(chan struct{})
	}
	return taken, s.grown
}
