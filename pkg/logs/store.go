// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"k8s.io/utils/clock"
)

// Store holds the lines of all sources. Its methods are safe for concurrent use and never wait for a reader.
type Store struct {
	limit int
	clock clock.WithDelayedExecution

	mu sync.Mutex
	// blocks are in the order of their lines. The last block is never dropped.
	blocks []entry
	// dropped counts the entries without a block.
	dropped int
	sources map[string]*source
	size    int
	// next is the sequence number of the next line.
	next uint64
	// grown is closed at the next change, nil if no reader waits.
	grown  chan struct{}
	closed bool
	// end is the value of next at Close.
	end uint64
	// writers are the open writers.
	writers map[*Writer]struct{}
	// redacted are the texts of Redact with their replacements, and redactor replaces them. It is nil without texts.
	redacted map[string]string
	redactor *strings.Replacer
}

// entry is a position in the order of blocks. Its block is nil once dropped.
type entry struct {
	first uint64
	*block
}

// source holds the blocks of one source, oldest first.
type source struct {
	name   string
	blocks []*block
	size   int
	// written counts the lines, including dropped ones.
	written uint64
}

// New returns a store that keeps as many lines as fit into limitBytes, and always those of the last write.
func New(limitBytes int, clock clock.WithDelayedExecution) *Store {
	return &Store{
		limit:   limitBytes,
		clock:   clock,
		sources: map[string]*source{},
		next:    1,
		writers: map[*Writer]struct{}{},
	}
}

// Append adds the lines of a text. The last line needs no line end. An empty text is one empty line.
func (s *Store) Append(source string, level Level, text string) {
	split := splitter{limit: MaxLine}
	split.write([]byte(text))
	split.flush()
	if text == "" {
		split.end(nil)
	}
	s.put(source, &block{level: level, lines: split.take()})
}

// put adds at least one line of a source.
func (s *Store) put(name string, b *block) {
	b.time = s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[name]
	if src == nil {
		src = &source{name: name}
		s.sources[name] = src
	}
	if s.redactor != nil {
		b.text = s.redactor.Replace(b.text)
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

// wake wakes waiting readers.
func (s *Store) wake() {
	if s.grown != nil {
		close(s.grown)
		s.grown = nil
	}
}

// Tail returns the last n stored lines of a source, oldest first.
func (s *Store) Tail(source string, n int) []Line {
	last := int64(n)
	r := s.begin(context.Background(), Selection{Sources: []string{source}, Tail: &last})
	var tail []Line
	for {
		batch, _ := r.take()
		if len(batch.parts) == 0 {
			return joined(tail)
		}
		for line := range batch.Lines() {
			tail = append(tail, line)
		}
	}
}

// Written counts the lines that a source has written, including those that aren't stored any more.
func (s *Store) Written(source string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if src := s.sources[source]; src != nil {
		return src.written
	}
	return 0
}

// joined joins the parts of each line.
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

// followedEnd is the number after the last line that following readers receive.
func (s *Store) followedEnd() uint64 {
	if s.closed {
		return s.end
	}
	return s.next
}

// Close ends readers that follow the store after the last line by then, including unfinished lines. They don't
// receive later lines, so that a source that never stops can't keep a reader from its end.
func (s *Store) Close() {
	s.mu.Lock()
	writers := slices.Collect(maps.Keys(s.writers))
	s.mu.Unlock()
	for _, w := range writers {
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

// Next returns the sequence number of the next line.
func (s *Store) Next() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}
