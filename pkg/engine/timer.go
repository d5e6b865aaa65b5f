// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"
)

// timer calls a function in the loop later.
type timer struct {
	cancel context.CancelFunc
	// fire is nil once it was called or the timer was stopped.
	fire func()
}

// later lets the loop call fire after d.
func (l *loop) later(d time.Duration, fire func()) *timer {
	t := &timer{fire: fire}
	ctx := l.inContext(&t.cancel)
	l.effect(func() {
		passed := l.config.Clock.NewTimer(d)
		defer passed.Stop()
		select {
		case <-ctx.Done():
		case <-passed.C():
			l.mailbox.put(timeOver{t})
		}
	})
	return t
}

// stop stops a timer, which may be nil.
func (t *timer) stop() {
	if t != nil {
		t.cancel()
		t.fire = nil
	}
}

// timeOver reports that the time of a timer has passed.
type timeOver struct{ timer *timer }

func (m timeOver) apply(l *loop) {
	fire := m.timer.fire
	m.timer.stop()
	if fire != nil && !l.stopping {
		fire()
	}
}

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

// note records how long a server has been ready without interruption. It is nil if it didn't run.
func (p pause) note(running *Running, now time.Time) pause {
	if running != nil && running.Phase == Ready && now.Sub(running.LastReady) >= steadyAfter {
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
