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
