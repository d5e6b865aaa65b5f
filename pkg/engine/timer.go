// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"
)

// timer has something done by the loop later.
type timer struct {
	cancel context.CancelFunc
	// fire is nil once it was called or isn't to be called any more.
	fire func()
}

// later has fire called by the loop when d has passed.
func (l *loop) later(d time.Duration, fire func()) *timer {
	t := &timer{fire: fire}
	ctx := l.inContext(&t.cancel)
	l.effect(func() {
		clock := l.config.Clock.NewTimer(d)
		defer clock.Stop()
		select {
		case <-ctx.Done():
		case <-clock.C():
			l.mailbox.put(timeOver{t})
		}
	})
	return t
}

// stop keeps a timer, which may be nil, from doing anything any more.
func (t *timer) stop() {
	if t != nil {
		t.cancel()
		t.fire = nil
	}
}

// timeOver is the end of a timer's time.
type timeOver struct{ timer *timer }

func (m timeOver) apply(l *loop) {
	fire := m.timer.fire
	m.timer.stop()
	if fire != nil && !l.stopping {
		fire()
	}
}
