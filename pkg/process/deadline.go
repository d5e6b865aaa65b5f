// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLate is the error of Start after the deadline of the Runner.
var ErrLate = errors.New("the deadline for running commands has passed")

// lateLook bounds the time between two looks at the clock, because timers stand still while the machine is suspended.
const lateLook = time.Second

// Uptime is the time since the machine started. It goes on while the machine is suspended, and no change of the time of
// day affects it. All processes of a machine see the same.
func Uptime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(uptimeClock, &now); err != nil {
		panic("read the clock: " + err.Error()) // Every supported system has it.
	}
	return time.Duration(now.Nano())
}

// SetDeadline sets the Uptime at which commands must have ended, unless a later deadline is set before. When it passes
// the guard kills every command, even if this process is stopped, and Start fails. Without a guard, Start alone obeys.
//
// A command that this process is just starting when it is stopped may execute for a moment after the process continues:
// the guard kills it when it is registered, or within a second.
func (r *Runner) SetDeadline(at time.Duration) {
	r.deadline.Store(int64(at))
	r.guard.deadline(at)
}

// late reports whether the deadline has passed.
func (r *Runner) late() bool {
	at := r.deadline.Load()
	return at != 0 && Uptime() >= time.Duration(at)
}
