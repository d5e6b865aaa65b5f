// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
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
	if r.onlyLive() {
		l.beginLive(r)
		return
	}
	now := l.config.Clock.Now()
	w := r.wants
	paths := r.changes.begin(now,
		w.initial || w.retry || w.trigger > 0 || !w.redefined.IsZero() || !w.rebuilt.IsZero())
	build := l.newBuild(r, now)
	build.Reason = w.buildReason(len(paths) > 0)
	paths = append(paths, r.redefiners...)
	header := buildHeader(w, paths, l.base())
	if w.retry {
		r.attempt++
	} else {
		r.attempt = 0
		r.queued = build.Queued
	}
	r.retry.stop()
	r.wants, r.redefiners, r.taken = wants{}, nil, nil
	r.deployed = false
	l.beginSource(r)
	r.task.begun, r.task.awaits = true, false
	l.refresh(r)
	l.changePhase(r)
	if header != "" {
		l.log(r.Name, logs.LevelInfo, strings.TrimSuffix(header, "\n"))
	}
	if !r.task.job {
		r.changes.end(now)
		l.updateSucceeded(r, r.output)
		return
	}
	r.task.update = updateRunning
	x := &execution{
		owner: updateOf{r}, source: r.Name, target: r.updateTarget(), subject: r.Update.Subject(),
		slot: !r.task.light, serial: r.task.serial, timeout: r.Timeout,
	}
	r.updating = x
	build.Attempt = r.attempt
	build.changedBy(paths)
	r.history = r.history.begun(build)
	request := l.updateRequest(r.Name)
	request.Update, request.Images, request.Requested = r.Update, r.inputs(), w.trigger > 0
	l.execute(x, now, func() (Activity, error) { return l.config.Updates.StartUpdate(request) })
}

func (l *loop) updateRequest(source string) UpdateRequest {
	return UpdateRequest{Task: source, Environ: l.environ, Log: NewLog(l.config.Logs, source)}
}

// updateOf is the owner of an update's executions.
type updateOf struct{ *resource }

var _ owner = updateOf{}

func (r *resource) updateTarget() string { return r.Name + ":update" }

func (o updateOf) launched(*loop, *execution, time.Time) {}

// ended records the result of the job.
func (o updateOf) ended(l *loop, x *execution, m ended) {
	r := o.resource
	l.publishPhase(r)
	exit := l.updateExit(x, m)
	r.updating = nil
	r.changes.end(m.at)
	l.changePhase(r)
	switch {
	case exit.Error == "":
		r.lastUpdate = exit
		l.endBuild(r, exit)
		l.updateSucceeded(r, m.end.Output)
	case r.attempt < r.Retries:
		l.retryLater(r, exit.Error)
		l.endBuild(r, exit)
	default:
		r.lastUpdate = exit
		l.log(r.Name, logs.LevelError, "Build Failed: "+exit.Error)
		l.endBuild(r, exit)
		r.task.update = updateFailed
		l.release(r)
		// Live updates may bring files of the failed build.
		r.tainted = len(r.takers) > 0
	}
	if r.task.update == updateRetrying && !r.changes.outside() {
		// The retry also covers the changes meanwhile.
		return
	}
	l.considerChanges(r)
}

// updateSucceeded launches or renews the runtime of a resource.
func (l *loop) updateSucceeded(r *resource, output any) {
	r.task.update = updateSucceeded
	if r.image {
		l.built(r, output)
		return
	}
	r.output = output
	l.markStarted(r)
	l.deployedWell(r)
	if r.task.server {
		l.renewRuntime(r)
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
		l.endBuild(r, &Exit{Finish: l.config.Clock.Now(), Error: Canceled})
		l.abandon(r.updating)
		r.task.oldJob = true
	}
	r.retry.stop()
	r.wants.retry = false
	r.update = update{updateCommand: r.updateCommand}
}
