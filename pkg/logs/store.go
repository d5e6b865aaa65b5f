// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/utils/clock"
)

// Store holds the lines of all sources. Its methods may be called from any
// goroutine, and none of them waits for a reader.
type Store struct {
	limit int
	clock clock.WithDelayedExecution

	mu sync.Mutex
	// blocks are in the order of their lines. The last one is never dropped.
	blocks []entry
	// dropped counts the entries without a block.
	dropped int
	sources map[string]*source
	size    int
	// next is the sequence number of the next line.
	next uint64
	// grown is closed at the next change, nil if nobody waits for it.
	grown  chan struct{}
	closed bool
	// end is what next was when the store was closed.
	end uint64
	// writers are those that aren't closed.
	writers map[*Writer]struct{}
}

// entry is a place in the order of blocks. It has no block when that was dropped.
type entry struct {
	first uint64
	*block
}

// source is what the store holds of one source, oldest first.
type source struct {
	name string
	// prefix is how the name is shown before a line.
	prefix string
	blocks []*block
	size   int
	// written counts the lines, those that were dropped included.
	written uint64
}

// New returns a store that keeps as many lines as fit into limitBytes, always
// those that were written last at once.
func New(limitBytes int, clock clock.WithDelayedExecution) *Store {
	return &Store{limit: limitBytes, clock: clock, sources: map[string]*source{}, next: 1, writers: map[*Writer]struct{}{}}
}

// Append adds the lines of a text. A last one needs no line end; an empty text
// is one empty line.
func (s *Store) Append(source string, level Level, text string) {
	split := splitter{limit: MaxLine}
	split.write([]byte(text))
	split.flush()
	if text == "" {
		split.end(nil)
	}
	s.put(source, &block{level: level, lines: split.take()})
}

// put adds lines of a source, at least one.
func (s *Store) put(name string, b *block) {
	b.time = s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[name]
	if src == nil {
		src = &source{name: name, prefix: prefix(name)}
		s.sources[name] = src
	}
	b.source, b.first, b.before = src, s.next, src.written
	src.written += uint64(b.count)
	s.next = b.after()
	s.blocks = append(s.blocks, entry{b.first, b})
	src.blocks = append(src.blocks, b)
	src.size += b.size()
	s.size += b.size()
	if s.size > s.limit {
		s.shrink()
	}
	s.wake()
}

// wake lets followers look again.
func (s *Store) wake() {
	if s.grown != nil {
		close(s.grown)
		s.grown = nil
	}
}

// growth is closed when there's something to read that isn't there yet.
func (s *Store) growth() <-chan struct{} {
	if s.grown == nil {
		s.grown = make(chan struct{})
	}
	return s.grown
}

// Tail returns the last n lines that are left of a source, oldest first.
func (s *Store) Tail(source string, n int) []Line {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[source]
	if src == nil {
		return nil
	}
	var tail []Line
	for _, b := range slices.Backward(src.blocks) {
		if n <= 0 {
			break
		}
		parts := b.tail(n)
		tail = append(tail, parts...)
		n -= len(parts)
		if parts[len(parts)-1].Continues {
			n++ // It's no line without its beginning.
		}
	}
	slices.Reverse(tail)
	return joined(tail)
}

// joined puts lines together that are parts of one.
func joined(parts []Line) []Line {
	whole := parts[:0]
	for _, part := range parts {
		if last := len(whole) - 1; part.Continues && last >= 0 && whole[last].Level == part.Level {
			whole[last].Text += part.Text
			continue
		}
		whole = append(whole, part)
	}
	return whole
}

// Newest is the number of the last line that was written, 0 before the first.
func (s *Store) Newest() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next - 1
}

// Close ends the followers after the last line, of what writers were given by
// then and whether it has ended or not. Lines that are written later
// are kept for Tail, but nobody follows them: a source that never stops can't
// keep a follower from its end.
func (s *Store) Close() {
	for _, w := range s.unclosed() {
		w.show()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed, s.end = true, s.next
	s.wake()
}

// unclosed are the writers that aren't closed.
func (s *Store) unclosed() []*Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.writers))
}
