// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

const (
	firstRestartPause   = time.Second
	longestRestartPause = time.Minute
	// steadyAfter is how long a server must be ready before the backoff starts over.
	steadyAfter = 10 * time.Second
)

// backOff returns first, doubled n times, but at most longest.
func backOff(n int, first, longest time.Duration) time.Duration {
	for ; n > 0 && first < longest; n-- {
		first *= 2
	}
	return min(first, longest)
}

// pause is the backoff between the end of a server and its next launch.
type pause struct {
	// times counts the pauses since the server was last steady.
	times int
	// steady is true once the server has been ready for steadyAfter since the last pause.
	steady bool
}

// note records how long a server has been ready without interruption. The process is nil if it didn't run.
func (p pause) note(process *ServerProcess, now time.Time) pause {
	if process != nil && process.Ready && now.Sub(process.LastReady) >= steadyAfter {
		p.steady = true
	}
	return p
}

// next returns the duration of the next pause, and the state for the one after it.
func (p pause) next() (time.Duration, pause) {
	if p.steady {
		p = pause{}
	}
	return backOff(p.times, firstRestartPause, longestRestartPause), pause{times: p.times + 1}
}
