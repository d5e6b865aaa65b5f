// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import "time"

const (
	// After a write there's a rest of restFactor times its duration, so that
	// writing takes about a fifth of the time, but of maxRest at most.
	restFactor = 4
	maxRest    = 500 * time.Millisecond
)

// pace spaces out the writes of the status of a Session with many resources:
// each of them costs the server, and every watch, as much as hundreds of small
// ones, at the expense of the jobs that the Session is about.
type pace struct {
	// until is the end of the rest.
	until time.Time
}

// wrote notes a write, which a rest follows.
func (p *pace) wrote(begin, end time.Time) {
	p.until = end.Add(min(restFactor*end.Sub(begin), maxRest))
}

// rest is how much longer nothing is to be written, 0 after a quiet time.
func (p *pace) rest(now time.Time) time.Duration {
	return max(p.until.Sub(now), 0)
}
