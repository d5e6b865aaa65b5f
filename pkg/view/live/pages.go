// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"regexp"

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
	// pattern selects lines that match, nil for all.
	pattern *regexp.Regexp
}

// read reads the lines of a page.
func (p page) read(ctx context.Context, source Source) (lines []*line, err error) {
	options := v1alpha1.SessionLogOptions{}
	if p.resource != "" {
		options.Resources = []string{p.resource}
	}
	err = source.Log(ctx, options, func(l *line) {
		switch {
		case l.Seq < p.since, p.before > 0 && l.Seq >= p.before, p.pattern != nil && !p.pattern.MatchString(l.Text):
		case p.last && len(lines) == p.limit:
			lines = append(lines[1:], l)
		case len(lines) < p.limit:
			lines = append(lines, l)
		}
	})
	return lines, err
}
