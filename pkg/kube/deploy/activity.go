// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/process"
)

// activity is a deploy that has begun. Its goroutine is the only one that writes end.
type activity struct {
	cancel context.CancelFunc
	done   chan struct{}
	end    engine.End
	ending atomic.Bool

	mu sync.Mutex
	// process is the command of the deploy while it runs, nil for one of objects.
	process *process.Process
	// stopped is set by Stop, grace is that of its last call.
	stopped bool
	grace   time.Duration
}

var _ engine.Activity = (*activity)(nil)

// PID implements engine.Activity.
func (a *activity) PID() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process == nil {
		return 0
	}
	return a.process.PID()
}

// Done implements engine.Activity.
func (a *activity) Done() <-chan struct{} { return a.done }

// Ending implements engine.Activity.
func (a *activity) Ending() bool {
	if a.ending.Load() {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.process != nil && a.process.Exited()
}

// End implements engine.Activity.
func (a *activity) End() engine.End { return a.end }

// Stop implements engine.Activity. Requests are given up at once; a command gets the grace.
func (a *activity) Stop(grace time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped, a.grace = true, grace
	if a.process != nil {
		a.process.Stop(grace)
	} else {
		a.cancel()
	}
}

// follow makes p the process of the activity.
func (a *activity) follow(p *process.Process) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.process = p
	if a.stopped {
		p.Stop(a.grace)
	}
}
