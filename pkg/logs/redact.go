// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Redact replaces texts in all lines, also in those that are stored already, by what stands for them. Each call adds to
// the texts of earlier ones. A text of several lines is replaced line by line. A text that two writes of an unfinished
// line divide may be missed.
func (s *Store) Redact(replacements map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redacted == nil {
		s.redacted = map[string]string{}
	}
	known := len(s.redacted)
	for text, replacement := range replacements {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); len(line) >= shortestRedacted {
				s.redacted[line] = replacement
			}
		}
	}
	if len(s.redacted) == known {
		return
	}
	// Of two texts that begin alike the longer one counts.
	texts := slices.SortedFunc(maps.Keys(s.redacted), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, text := range texts {
		pairs = append(pairs, text, s.redacted[text])
	}
	s.redactor = strings.NewReplacer(pairs...)
	for _, source := range s.sources {
		source.blocks, source.size = source.blocks[:0:0], 0
	}
	s.size = 0
	for i := range s.blocks {
		e := &s.blocks[i]
		if e.block == nil {
			continue
		}
		changed := *e.block
		changed.text = s.redactor.Replace(changed.text)
		e.block = &changed
		changed.source.blocks = append(changed.source.blocks, &changed)
		changed.source.size += changed.size()
		s.size += changed.size()
	}
}

// Redacted returns a text as the store would keep it.
func (s *Store) Redacted(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.redactor == nil {
		return text
	}
	return s.redactor.Replace(text)
}

// shortestRedacted is the number of bytes from which on a text is secret enough not to occur by chance.
const shortestRedacted = 5
