// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"tilt.dev/session/pkg/logs"
)

// The pause before a failed job is executed again.
const (
	firstRetryPause   = 500 * time.Millisecond
	longestRetryPause = 10 * time.Second
)

// beginUpdate starts the job of a resource. Without one the update has
// succeeded at once.
func (l *loop) beginUpdate(r *resource) {
	now := l.config.Clock.Now()
	w := r.wants
	paths := r.changes.begin(now, w.initial || w.retry || w.trigger > 0 || !w.redefined.IsZero())
	header := buildHeader(w, append(paths, r.redefiners...), l.base())
	if w.retry {
		r.attempt++
	} else {
		r.attempt = 0
	}
	r.retry.stop()
	r.wants, r.redefiners = wants{}, nil
	r.task.begun = true
	l.refresh(r)
	l.turn(r)
	if !r.task.job {
		l.log(r.Name, logs.LevelInfo, header)
		r.changes.end(now)
		l.updateSucceeded(r)
		return
	}
	l.log(r.Name, logs.LevelInfo, header+"Running cmd: "+r.updateCommand)
	r.task.update = updateRunning
	x := &execution{owner: updateOf{r}, source: r.Name, target: updateTarget(r.Name), command: r.updateCommand, timeout: r.Timeout}
	x.slot, x.serial = true, r.task.serial
	r.updating = x
	l.execute(x, r.Update, now)
}

// updateOf owns the executions of a resource's job.
type updateOf struct{ *resource }

var _ owner = updateOf{}

func updateTarget(resource string) string { return resource + ":update" }

func (o updateOf) launched(*loop, *execution, time.Time) {}

// ended records how a job has ended.
func (o updateOf) ended(l *loop, x *execution, m ended) {
	r := o.resource
	l.present(r)
	exit := updateExit(x, m)
	r.updating = nil
	r.changes.end(m.at)
	l.turn(r)
	switch {
	case exit.Error == "":
		r.lastUpdate = exit
		l.updateSucceeded(r)
	case r.attempt < r.Retries:
		l.retryLater(r, exit.Error)
	default:
		r.lastUpdate = exit
		l.log(r.Name, logs.LevelError, "Build Failed: "+exit.Error)
		r.task.update = updateFailed
	}
	if r.task.update == updateRetrying && !r.changes.outside() {
		// The repetition sees to what changed meanwhile.
		return
	}
	l.settle(r)
}

// updateSucceeded has the server of a resource launched, or replaced.
func (l *loop) updateSucceeded(r *resource) {
	r.task.update = updateSucceeded
	if r.task.server {
		l.renewServer(r)
	} else {
		l.meet(r)
	}
}

// retryLater has a job that failed executed again after a while.
func (l *loop) retryLater(r *resource, err string) {
	delay := backOff(r.attempt, firstRetryPause, longestRetryPause)
	l.log(r.Name, logs.LevelWarn, fmt.Sprintf("Retrying (%d of %d) in %s: %s", r.attempt+1, r.Retries, delay, err))
	r.task.update = updateRetrying
	r.retry = l.later(delay, func() {
		l.present(r)
		r.wants.retry = true
		l.refresh(r)
	})
}

// resetUpdate gives up the job of a resource and forgets about it.
func (l *loop) resetUpdate(r *resource) {
	if r.updating != nil {
		l.log(r.Name, logs.LevelInfo, "Build canceled")
		l.giveUp(r.updating)
		r.task.oldJob = true
	}
	r.retry.stop()
	r.wants.retry = false
	r.update = update{updateCommand: r.updateCommand}
}
