// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

const (
	firstRestartPause   = time.Second
	longestRestartPause = time.Minute
	// steadyAfter is how long a server must have been ready for its next end
	// to be treated like the first one.
	steadyAfter = 10 * time.Second
)

// backOff returns a pause that's doubled as often as n says.
func backOff(n int, first, longest time.Duration) time.Duration {
	for ; n > 0 && first < longest; n-- {
		first *= 2
	}
	return min(first, longest)
}

// pause decides how long a server stays down after it has ended.
type pause struct {
	// times counts the pauses since the server was last steady.
	times int
	// steady is true once the server has been ready for long since the last
	// pause.
	steady bool
}

// note takes into account for how long a server, if it ran at all, has been
// ready without interruption.
func (p pause) note(process *ServerProcess, now time.Time) pause {
	if process != nil && process.Ready && now.Sub(process.LastReady) >= steadyAfter {
		p.steady = true
	}
	return p
}

// next returns the pause that's due now, and what's to be known for the one
// after it.
func (p pause) next() (time.Duration, pause) {
	if p.steady {
		p = pause{}
	}
	return backOff(p.times, firstRestartPause, longestRestartPause), pause{times: p.times + 1}
}
