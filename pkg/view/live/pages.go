// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"math"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// pageLines is how many lines are read at once.
const pageLines = 500

// page selects lines of the log that has been written.
type page struct {
	// resource is the one whose lines are selected, "" for all.
	resource string
	// since and before select lines from one number on and before another, 0 for no limit.
	since, before int64
	// last selects the last lines of these, otherwise the first ones are selected.
	last bool
	// limit is the number of lines.
	limit int
	// pattern is a regular expression that the lines match, empty for all.
	pattern string
}

// read reads the lines of a page.
func (p page) read(ctx context.Context, source Source) (lines []*line, err error) {
	options := v1alpha1.SessionLogOptions{LimitLines: new(int64(p.limit)), Grep: p.pattern}
	if p.resource != "" {
		options.Resources = []string{p.resource}
	}
	if p.last { // With beforeSeq the limit selects the last lines.
		options.BeforeSeq = new(int64(math.MaxInt64))
	}
	if p.before > 0 {
		options.BeforeSeq = &p.before
	}
	if p.since > 0 {
		options.SinceSeq = new(p.since - 1)
	}
	err = source.Log(ctx, options, func(l *line) { lines = append(lines, l) })
	return lines, err
}
