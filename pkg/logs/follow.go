// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"iter"
)

// batch is how many blocks a follower takes from the store at once.
const batch = 64

// Follow yields the retained lines whose number is greater than after, then new
// ones as they come, until ctx is done or the store is closed and all was
// yielded. With each line comes how many directly before it are missing, because
// the store dropped them before this follower got there; a slow follower holds
// nobody up. The sequence may be ranged over once or several times, each begins
// at after. It runs in the caller's goroutine and needs no closing.
func (s *Store) Follow(ctx context.Context, after uint64) iter.Seq2[Line, uint64] {
	return func(yield func(Line, uint64) bool) {
		next := after + 1
		for ctx.Err() == nil {
			blocks, grown := s.read(next)
			for _, b := range blocks {
				for i := int(max(next, b.first) - b.first); i < len(b.ends); i++ {
					line := b.line(i)
					if !yield(line, line.Seq-next) {
						return
					}
					next = line.Seq + 1
				}
			}
			if len(blocks) > 0 {
				continue
			}
			if grown == nil {
				return
			}
			select {
			case <-ctx.Done():
			case <-grown:
			}
		}
	}
}

// read returns blocks that begin with the line next or what there is after it. If
// there's none yet, the channel is closed when there is; it's nil when none
// will come.
func (s *Store) read(next uint64) (blocks []*block, grown <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.blocks[s.position(next):] {
		if len(blocks) == batch || s.closed && e.first >= s.end {
			break
		}
		if e.block != nil && e.after() > next {
			blocks = append(blocks, e.block)
		}
	}
	if len(blocks) > 0 || s.closed {
		return blocks, nil
	}
	return nil, s.growth()
}
