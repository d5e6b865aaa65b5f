// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"context"
	"regexp"
	"slices"
	"time"

	"tilt.dev/session/pkg/text"
)

// Selection selects lines of a store. A line that was stored in parts is selected part by part.
type Selection struct {
	// Sources selects the lines of these sources. Empty selects all.
	Sources []string
	// Level excludes lines of lower levels.
	Level Level
	// Grep selects the lines whose text.Printable matches. Nil selects all.
	Grep *regexp.Regexp
	// Since excludes earlier lines.
	Since time.Time
	// After excludes the lines up to this sequence number, nil none. What is dropped of the later ones counts as missing.
	After *uint64
	// Before, if it isn't 0, excludes the lines from this sequence number on, and those written later.
	Before uint64
	// Tail limits the lines that exist when reading begins to the last ones. Nil is no limit.
	Tail *int64
	// Limit ends the selection after so many lines. With Before it selects the last ones instead. Nil is no limit.
	Limit *int64
	// Until ends the selection when it is closed: with the last line by then. Nil
	// ends it with the last line when reading begins.
	Until <-chan struct{}
	// Wake, if it isn't nil, has a reader that waits for lines receive an empty batch for each value.
	Wake <-chan struct{}
}

// Only returns the lines of a batch that a Selection's Sources, Since and Level select.
func (b Batch) Only(s Selection) Batch {
	var parts []part
	for _, p := range b.parts {
		if s.wants(p.block) && p.level >= s.Level {
			parts = append(parts, p)
		}
	}
	return Batch{parts}
}

// Cut divides a batch into the lines before a sequence number and those from it on. Lines that were written at once
// stay together.
func (b Batch) Cut(seq uint64) (before, rest Batch) {
	for i, p := range b.parts {
		if p.first >= seq {
			return Batch{b.parts[:i]}, Batch{b.parts[i:]}
		}
	}
	return b, Batch{}
}

// After is the sequence number that follows the last line, 0 for an empty batch.
func (b Batch) After() uint64 {
	if len(b.parts) == 0 {
		return 0
	}
	return b.parts[len(b.parts)-1].after()
}

// Own reports whether one of the lines is Own.
func (b Batch) Own() bool {
	return slices.ContainsFunc(b.parts, func(p part) bool { return p.own() })
}

// wants reports whether the lines of a block are selected by their source and time.
func (s *Selection) wants(b *block) bool {
	return b != nil && !b.time.Before(s.Since) &&
		(len(s.Sources) == 0 || slices.Contains(s.Sources, b.source.name))
}

// matching returns the lines that Level and Grep select, or some of them when ctx is done.
func (r *reader) matching(ctx context.Context, b Batch) Batch {
	if r.Level == LevelInfo && r.Grep == nil {
		return b
	}
	var parts []part
	for _, p := range b.parts {
		if ctx.Err() != nil {
			break
		}
		p.missed += r.missed[p.source]
		matches := []part{p}
		switch {
		case p.level < r.Level:
			matches = nil
		case r.Grep != nil:
			matches = r.grep(p)
		}
		r.missed[p.source] = 0
		if len(matches) == 0 {
			r.missed[p.source] = p.missed
		}
		parts = append(parts, matches...)
	}
	return Batch{parts}
}

// grep returns what Grep selects of a part.
func (s *Selection) grep(p part) (parts []part) {
	first := -1
	end := func(i int) {
		if first >= 0 {
			parts, first = append(parts, part{block: p.cut(first, i)}), -1
		}
	}
	for i, line := range p.all() {
		if !s.Grep.MatchString(text.Printable(line)) {
			end(i)
		} else if first < 0 {
			first = i
		}
	}
	if end(p.count); len(parts) > 0 {
		parts[0].missed = p.missed
	}
	return parts
}

// limited returns as many lines as are left of Limit.
func (r *reader) limited(b Batch) Batch {
	if r.Limit == nil || r.Before > 0 {
		return b
	}
	left := *r.Limit
	for i, p := range b.parts {
		if int64(p.count) >= left {
			b.parts[i].block = p.cut(0, int(left))
			b.parts, left = b.parts[:i+1], 0
			break
		}
		left -= int64(p.count)
	}
	r.Limit = &left
	return b
}

// full reports whether Limit is reached.
func (r *reader) full() bool { return r.Limit != nil && r.Before == 0 && *r.Limit == 0 }
