// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// runtimeOf is the owner of a runtime's executions.
type runtimeOf struct{ *resource }

var _ owner = runtimeOf{}

func (r *resource) runtimeTarget() string { return r.Name + ":runtime" }

// renewRuntime has the runtime of a resource follow the last update, or starts another after it has stopped.
func (l *loop) renewRuntime(r *resource) {
	l.changePhase(r)
	r.restart.stop()
	r.restarts, r.pause, r.down = 0, pause{}, time.Time{}
	now := l.config.Clock.Now()
	r.times = runtimeTimes{queued: earliest(r.queued, now), allowed: now}
	switch r.task.serve {
	case serveRunning:
		if l.renewInPlace(r) {
			r.times.start = r.running.Start
			return
		}
		r.running = &Running{PID: r.running.PID}
		fallthrough
	case serveLaunching:
		r.task.serve = serveStopping
		r.serving.stop(l.grace)
	case serveStopping:
	default:
		r.task.serve = serveDue
	}
}

// renewInPlace has the runtime follow the last update without an end, if it can.
func (l *loop) renewInPlace(r *resource) bool {
	runtime, ok := r.serving.activity.(Runtime)
	if !ok || r.serving.stopped {
		return false
	}
	request := l.runtimeRequest(r)
	if !runtime.Renew(request) {
		return false
	}
	r.running = &Running{PID: runtime.PID(), Start: l.config.Clock.Now()}
	return true
}

// redefineRuntime has the runtime of a resource follow a definition that takes no update.
func (l *loop) redefineRuntime(r *resource) {
	switch r.task.serve {
	case serveRunning:
		before := r.running
		if l.renewInPlace(r) {
			r.running = before
			return
		}
	case serveLaunching: // It begins by the former definition.
	default:
		return
	}
	r.queued = l.config.Clock.Now()
	l.renewRuntime(r)
}

// launchRuntime starts the runtime of a resource.
func (l *loop) launchRuntime(r *resource) {
	l.changePhase(r)
	r.runtimeExit = nil
	r.detail = ""
	r.task.serve = serveLaunching
	x := &execution{owner: runtimeOf{r}, source: r.Name, target: r.runtimeTarget(), subject: r.Runtime.Subject()}
	r.serving = x
	request := l.runtimeRequest(r)
	l.execute(x, l.config.Clock.Now(), func() (Activity, error) { return l.config.Runtimes.StartRuntime(request) })
}

// runtimeRequest is the request for a runtime after the last update. Reports for an earlier request don't count.
func (l *loop) runtimeRequest(r *resource) RuntimeRequest {
	r.request++
	request := r.request
	r.containers = nil
	return RuntimeRequest{
		Task: r.Name, Runtime: r.Runtime, Environ: l.environ, Log: NewLog(l.config.Logs, r.Name), Output: r.output,
		Images: r.inputs(), LiveUpdates: r.LiveUpdates,
		ReportLive: func(states []LiveState) { l.mailbox.put(liveReported{r, request, states}) },
		Report:     func(report Report) { l.mailbox.put(reported{r, request, report, l.config.Clock.Now()}) },
	}
}

// launched records that the runtime has begun.
func (o runtimeOf) launched(l *loop, x *execution, at time.Time) {
	r := o.resource
	if x.stopped {
		return
	}
	l.publishPhase(r)
	l.changePhase(r)
	r.running = &Running{PID: x.activity.PID(), Start: at}
	if r.times.start.IsZero() {
		r.times.start = at
	}
	r.task.serve = serveRunning
	if !r.Runtime.Probed() {
		ready := *r.running
		ready.Phase = Ready
		l.setRunning(r, ready, at)
	}
	if r.early != nil {
		early := *r.early
		r.early = nil
		early.apply(l)
	}
}

// reported is a report of a runtime.
type reported struct {
	resource *resource
	request  int
	report   Report
	at       time.Time
}

func (m reported) apply(l *loop) {
	r := m.resource
	switch {
	case r.request != m.request || l.stopping:
		return
	case r.task.serve == serveLaunching:
		r.early = &m
		return
	case r.task.serve != serveRunning || r.serving.stopped:
		return
	}
	now := *r.running
	now.Phase, now.Reason, now.Since = m.report.Phase, m.report.Reason, m.report.Start
	now.Error, m.report.Detail = l.redacted(m.report.Error), l.redacted(m.report.Detail)
	now.Exited, now.Code, now.Signal = m.report.Exited, m.report.Code, m.report.Signal
	now.Unproven = m.report.Unproven
	if now.Phase != r.running.Phase {
		l.publishPhase(r)
	}
	if m.report.Restarts > 0 {
		r.restarts = m.report.Restarts
	}
	l.setRunning(r, now, m.at)
	switch m.report.Phase {
	case Succeeded, Absent:
		l.markMet(r)
	case Failed:
		l.release(r)
	}
	if r.detail != m.report.Detail {
		r.detail = m.report.Detail
		l.touch(r)
	}
}

// setRunning makes now the state of a running runtime.
func (l *loop) setRunning(r *resource, now Running, at time.Time) {
	before := *r.running
	if (before.Phase == Ready) != (now.Phase == Ready) {
		r.pause = r.pause.note(r.running, at)
		if now.Phase == Ready {
			now.LastReady = at
			r.down = time.Time{}
			l.markMet(r)
		}
	}
	if now == before {
		return
	}
	if (now.Phase == Ready || now.Phase == Succeeded) && r.times.ready.IsZero() {
		r.times.ready = at
	}
	r.running = &now
	if before.Phase != now.Phase {
		now.Changed = at
		l.changePhase(r)
	} else {
		l.touch(r)
	}
}

// ended records that the runtime has ended or that its launch failed.
func (o runtimeOf) ended(l *loop, x *execution, m ended) {
	r := o.resource
	l.publishPhase(r)
	l.changePhase(r)
	r.serving = nil
	r.early = nil
	if r.task.serve == serveStopping {
		r.task.serve = serveDue
		return
	}
	exit := l.runtimeExit(x, r.running, m)
	r.pause = r.pause.note(r.running, m.at)
	wasReady := r.running != nil && !r.running.LastReady.IsZero()
	r.running = nil
	if r.Restart == model.RestartOnFailure {
		switch {
		case wasReady:
			r.down = m.at
		case r.down.IsZero():
			r.down = x.start
		}
		l.restartLater(r, exit.Error)
		return
	}
	r.down = time.Time{}
	r.runtimeExit = exit
	r.task.serve = serveExited
	l.release(r)
	l.log(r.Name, logs.LevelError, exit.Error)
}

// restartLater launches the runtime of a resource again after its backoff.
func (l *loop) restartLater(r *resource, err string) {
	var delay time.Duration
	delay, r.pause = r.pause.next()
	l.log(r.Name, logs.LevelWarn, fmt.Sprintf("Restarting in %s: %s", delay, err))
	r.task.serve = serveRestarting
	r.restart = l.later(delay, func() {
		l.publishPhase(r)
		l.changePhase(r)
		r.restarts++
		r.task.serve = serveDue
	})
}

// resetRuntime abandons the runtime of a resource and clears its state.
func (l *loop) resetRuntime(r *resource) {
	if r.serving != nil {
		l.abandon(r.serving)
		r.task.oldServer = true
	}
	r.restart.stop()
	r.runtimeState = runtimeState{runtimeCommand: r.runtimeCommand, request: r.request + 1}
}
