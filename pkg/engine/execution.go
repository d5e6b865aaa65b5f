// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"
)

// execution is one activity, from the decision to start it to its end.
type execution struct {
	// owner handles the launch and the end, nil once the execution is abandoned.
	owner owner
	// source is the name for the log. target identifies executions of the same update or runtime.
	source, target string
	// subject begins sentences about the activity.
	subject string
	// slot is true for an update, serial for one that runs alone.
	slot, serial bool
	// timeout is the longest time from the launch to the end, 0 for no limit.
	timeout time.Duration

	// start is when the loop decided to start the execution.
	start time.Time
	// activity is nil until it was launched.
	activity Activity
	// stopped is true once it is being stopped, timedOut if the timeout is the cause.
	stopped, timedOut bool
	// over is closed when the loop has applied the end.
	over chan struct{}
	// limit is the timer of the timeout. It is nil if there is none.
	limit *timer
}

// owner is the update, runtime or companion that an execution belongs to.
type owner interface {
	// launched is called when the activity has begun, even if it is being stopped.
	launched(l *loop, x *execution, at time.Time)
	// ended is called at the end.
	ended(l *loop, x *execution, m ended)
}

// stop stops an execution. A second call has an effect only without grace.
func (x *execution) stop(grace time.Duration) {
	if x.stopped && grace > 0 {
		return
	}
	x.stopped = true
	x.limit.stop()
	if x.activity != nil {
		x.activity.Stop(grace)
	}
}

// execute launches an activity.
func (l *loop) execute(x *execution, now time.Time, begin func() (Activity, error)) {
	x.start, x.over = now, make(chan struct{})
	l.executions[x] = struct{}{}
	l.effect(func() { l.follow(x, begin) })
}

// follow is the effect of an execution. It doesn't access fields of x, which belong to the loop.
func (l *loop) follow(x *execution, begin func() (Activity, error)) {
	activity, err := begin()
	end := ended{execution: x, err: err}
	if err == nil {
		l.mailbox.put(launched{x, activity, l.config.Clock.Now()})
		<-activity.Done()
		end.end = activity.End()
	}
	end.at = l.config.Clock.Now()
	l.mailbox.put(end)
}

// abandon stops an execution whose result doesn't matter. Until its end, a job
// still takes its slot, and its successor waits.
func (l *loop) abandon(x *execution) {
	x.owner = nil
	x.stop(l.grace)
	l.abandoned[x.target] = x
	l.countAbandoned(x, 1)
}

func (l *loop) countAbandoned(x *execution, n int) {
	if x.slot {
		l.settings.abandoned += n
	}
	if x.serial {
		l.settings.abandonedAlone += n
	}
}

// launched reports that an activity has begun.
type launched struct {
	execution *execution
	activity  Activity
	at        time.Time
}

func (m launched) apply(l *loop) {
	x := m.execution
	x.activity = m.activity
	if x.stopped || l.stopping {
		x.activity.Stop(l.grace)
	} else if x.timeout > 0 {
		l.limit(x)
	}
	if x.owner != nil && !l.stopping {
		x.owner.launched(l, x, m.at)
	}
}

// limit stops an execution at its timeout. The timer fires late if this process was
// suspended; then an end before that counts.
func (l *loop) limit(x *execution) {
	x.limit = l.later(x.timeout, func() {
		if !x.stopped && !x.activity.Ending() {
			x.timedOut = true
			x.stop(l.grace)
		}
	})
}

// ended reports the end of an execution: nothing is left of it and all output is stored, or the launch has failed.
type ended struct {
	execution *execution
	// err is the error of the launch.
	err error
	end End
	at  time.Time
}

func (m ended) apply(l *loop) {
	x := m.execution
	delete(l.executions, x)
	close(x.over)
	x.limit.stop()
	switch {
	case l.stopping:
	case x.owner != nil:
		x.owner.ended(l, x, m)
	default:
		l.abandonedEnded(x)
	}
}

// abandonedEnded releases the slot and the successor of an abandoned execution.
func (l *loop) abandonedEnded(x *execution) {
	l.countAbandoned(x, -1)
	delete(l.abandoned, x.target)
	for _, r := range l.resources {
		switch x.target {
		case r.updateTarget():
			r.task.oldJob = false
		case r.runtimeTarget():
			r.task.oldServer = false
		default:
			continue
		}
		l.touch(r)
	}
}

// updateExit returns the published result of an update.
func (l *loop) updateExit(x *execution, m ended) *Exit {
	cause := m.end.Error
	switch {
	case m.err != nil:
		cause = fmt.Sprintf("failed to start: %v", m.err)
	case x.timedOut:
		cause = fmt.Sprintf("timed out after %s", x.timeout)
	case cause == "":
		return l.newExit(x.start, m, "")
	}
	return l.newExit(x.start, m, fmt.Sprintf("%s failed: %s", x.subject, cause))
}

// runtimeExit returns the published result of a runtime. The status is nil if the launch failed.
func (l *loop) runtimeExit(x *execution, status *Running, m ended) *Exit {
	if m.err != nil {
		return l.newExit(time.Time{}, m, fmt.Sprintf("%s failed to start: %v", x.subject, m.err))
	}
	return l.newExit(status.Start, m, m.end.Error)
}

func (l *loop) newExit(start time.Time, m ended, err string) *Exit {
	return &Exit{Start: start, Finish: m.at, Error: l.redacted(err), Code: m.end.Code, Signal: m.end.Signal}
}

// redacted is a text for people without what no log may show.
func (l *loop) redacted(text string) string { return l.config.Logs.Redacted(text) }
