// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"tilt.dev/session/pkg/logs"
)

// The pause before the retry of a failed job.
const (
	firstRetryPause   = 500 * time.Millisecond
	longestRetryPause = 10 * time.Second
)

// beginUpdate starts the job of a resource. Without a job the update succeeds at once.
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
	l.changePhase(r)
	if !r.task.job {
		l.log(r.Name, logs.LevelInfo, header)
		r.changes.end(now)
		l.updateSucceeded(r)
		return
	}
	l.log(r.Name, logs.LevelInfo, header+"Running cmd: "+r.updateCommand)
	r.task.update = updateRunning
	x := &execution{
		owner: updateOf{r}, source: r.Name, target: updateTarget(r.Name), command: r.updateCommand,
		slot: true, serial: r.task.serial, timeout: r.Timeout,
	}
	r.updating = x
	l.execute(x, r.Update, now)
}

// updateOf is the owner of a job's executions.
type updateOf struct{ *resource }

var _ owner = updateOf{}

func updateTarget(resource string) string { return resource + ":update" }

func (o updateOf) launched(*loop, *execution, time.Time) {}

// ended records the result of the job.
func (o updateOf) ended(l *loop, x *execution, m ended) {
	r := o.resource
	l.publishPhase(r)
	exit := updateExit(x, m)
	r.updating = nil
	r.changes.end(m.at)
	l.changePhase(r)
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
		// The retry also covers the changes meanwhile.
		return
	}
	l.considerChanges(r)
}

// updateSucceeded launches or replaces the server of a resource.
func (l *loop) updateSucceeded(r *resource) {
	r.task.update = updateSucceeded
	if r.task.server {
		l.renewServer(r)
	} else {
		l.markMet(r)
	}
}

// retryLater executes a failed job again after a pause.
func (l *loop) retryLater(r *resource, err string) {
	delay := backOff(r.attempt, firstRetryPause, longestRetryPause)
	l.log(r.Name, logs.LevelWarn, fmt.Sprintf("Retrying (%d of %d) in %s: %s", r.attempt+1, r.Retries, delay, err))
	r.task.update = updateRetrying
	r.retry = l.later(delay, func() {
		l.publishPhase(r)
		r.wants.retry = true
		l.refresh(r)
	})
}

// resetUpdate abandons the job of a resource and clears its state.
func (l *loop) resetUpdate(r *resource) {
	if r.updating != nil {
		l.log(r.Name, logs.LevelInfo, "Build canceled")
		l.abandon(r.updating)
		r.task.oldJob = true
	}
	r.retry.stop()
	r.wants.retry = false
	r.update = update{updateCommand: r.updateCommand}
}
