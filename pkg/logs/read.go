// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"iter"
	"slices"
)

// Batch is an immutable sequence of lines.
type Batch struct{ parts []part }

// mostParts is the largest number of blocks in a batch.
const mostParts = 64

// part holds the lines of a block, at least one. missed counts the lines of the same source that are
// missing directly before them.
type part struct {
	*block
	missed uint64
}

// Lines yields the lines in order. With each it yields the number of lines of its source that are missing directly
// before it, because the store has dropped them since reading began. The sequence may be used several times.
func (b Batch) Lines() iter.Seq2[Line, uint64] {
	return func(yield func(Line, uint64) bool) {
		for _, p := range b.parts {
			missed := p.missed
			for i, text := range p.all() {
				if !yield(p.line(i, text), missed) {
					return
				}
				missed = 0
			}
		}
	}
}

// Read yields the selected lines in batches, which are empty only as Wake says. It ends at the end of the selection,
// after the last line of a closed store, or when ctx is done. It runs in the caller's goroutine, never delays writers
// and needs no cleanup.
func (s *Store) Read(ctx context.Context, selection Selection) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		r := s.begin(ctx, selection)
		for ctx.Err() == nil {
			batch, grown := r.take()
			if len(batch.parts) > 0 {
				batch = r.limited(r.matching(ctx, batch))
				if len(batch.parts) > 0 && !yield(batch) || r.full() {
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
			case <-r.Wake:
				if !yield(Batch{}) {
					return
				}
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
	// missed counts the missing lines of a source since the last one that Level and Grep have selected.
	missed map[*source]uint64
}

// begin finds the first selected line.
func (s *Store) begin(ctx context.Context, selection Selection) *reader {
	r := &reader{Selection: selection, store: s, expected: map[*source]uint64{}, missed: map[*source]uint64{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.next, r.end = 1, s.next
	if r.After != nil {
		r.next = min(*r.After, s.next-1) + 1
	}
	if r.Before > 0 {
		r.end, r.Until = min(r.end, r.Before), nil
	}
	resumed := r.next
	if r.Tail != nil {
		r.next = r.last(ctx, *r.Tail, true)
	}
	if r.Before > 0 && r.Limit != nil {
		r.next = r.last(ctx, *r.Limit, false)
	}
	r.expect(r.After != nil && r.next == resumed)
	return r
}

// expect finds out which lines the reader can expect. If it resumes after some line, these are all later ones. Of a
// source that has none left of the lines before, it isn't known how many of the dropped ones are later. As many as
// have been dropped of all sources are expected then.
func (r *reader) expect(resumes bool) {
	s := r.store
	for _, src := range s.sources {
		r.expected[src] = src.written
	}
	dropped := s.next - min(r.next, s.next)
	for _, e := range s.blocks[s.position(r.next):] {
		if e.block != nil && e.after() > r.next {
			r.expected[e.source] = min(r.expected[e.source], e.before)
			dropped -= e.after() - max(e.first, r.next)
		}
	}
	if !resumes {
		return
	}
	for _, src := range s.sources {
		if len(src.blocks) == 0 || src.blocks[0].first >= r.next {
			r.expected[src] -= min(r.expected[src], dropped)
		}
	}
}

// stopFollowing ends the selection with the present last line.
func (r *reader) stopFollowing() {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.Until, r.end = nil, r.store.followedEnd()
}

// take returns the next lines that are selected by their source, time and place. If there are none, grown is closed
// when there may be more, or nil at the end.
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
		missed := e.before - min(e.before, r.expected[e.source])
		p := part{e.between(r.next, end), missed}
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

// between returns the lines of a block from number first up to number end. There must be one.
func (b *block) between(first, end uint64) *block {
	return b.cut(int(max(first, b.first)-b.first), int(min(end, b.after())-b.first))
}

// last returns the number of the first of the last n selected lines. If whole is true, the parts of a line count as
// one. The store is locked before and after, but not while lines are matched, which ends when ctx is done.
func (r *reader) last(ctx context.Context, n int64, whole bool) uint64 {
	blocks := r.store.blocks
	if r.Grep != nil {
		blocks = slices.Clone(blocks)
		r.store.mu.Unlock()
		defer r.store.mu.Lock()
	}
	if n <= 0 {
		return max(r.next, r.end)
	}
	for _, e := range slices.Backward(blocks) {
		if ctx.Err() != nil {
			break
		}
		if !r.wants(e.block) || e.level < r.Level || e.first >= r.end || e.after() <= r.next {
			continue
		}
		parts := []part{{block: e.between(r.next, r.end)}}
		if r.Grep != nil {
			parts = r.grep(parts[0])
		}
		for _, p := range slices.Backward(parts) {
			lines := int64(p.count)
			if whole && p.continues {
				lines-- // The first belongs to a line of an earlier block.
			}
			if lines >= n {
				return p.after() - uint64(n)
			}
			n -= lines
		}
	}
	return r.next
}
