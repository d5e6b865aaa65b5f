// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"slices"
	"sort"
)

// slack is the part of the limit that shrink frees at once, so that the search for the largest source is rare.
const slack = 32

// shrink drops blocks until the store is below its limit.
func (s *Store) shrink() {
	target := s.limit - s.limit/slack
	for s.size > target {
		victim := s.largest()
		if victim == nil {
			break
		}
		// Another source may be the largest when half of this one is dropped.
		for least := victim.size / 2; s.size > target && victim.size > least && s.droppable(victim); {
			s.drop(victim)
		}
	}
	if s.dropped > len(s.blocks)/2 {
		s.blocks = slices.DeleteFunc(s.blocks, func(e entry) bool { return e.block == nil })
		s.dropped = 0
	}
}

// largest returns the largest source with a block to drop, nil if there is none.
func (s *Store) largest() *source {
	var largest *source
	for _, src := range s.sources {
		if s.droppable(src) && (largest == nil || src.size > largest.size) {
			largest = src
		}
	}
	return largest
}

// droppable reports whether a source has a block that isn't the last of the store.
func (s *Store) droppable(src *source) bool {
	return len(src.blocks) > 1 || len(src.blocks) == 1 && src.blocks[0].after() != s.next
}

// drop removes the oldest block of a source.
func (s *Store) drop(src *source) {
	b := src.blocks[0]
	src.blocks[0] = nil
	src.blocks = src.blocks[1:]
	src.size -= b.size()
	s.size -= b.size()
	s.blocks[s.position(b.first)].block = nil
	s.dropped++
}

// position returns the index of the entry that holds the line seq, or held it.
func (s *Store) position(seq uint64) int {
	after := sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].first > seq })
	return max(0, after-1)
}
