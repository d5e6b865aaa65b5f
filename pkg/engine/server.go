// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/probe"
)

// serveOf is the owner of a server's executions.
type serveOf struct{ *resource }

var _ owner = serveOf{}

func serveTarget(resource string) string { return resource + ":serve" }

// renewServer launches the server of a resource, after the running one has stopped.
func (l *loop) renewServer(r *resource) {
	l.changePhase(r)
	r.restart.stop()
	r.restarts, r.pause, r.down = 0, pause{}, time.Time{}
	switch r.task.serve {
	case serveRunning:
		r.process = &ServerProcess{PID: r.process.PID}
		fallthrough
	case serveLaunching:
		r.task.serve = serveStopping
		r.serving.stop(l.grace)
	case serveStopping:
	default:
		r.task.serve = serveDue
	}
}

// launchServer starts the server of a resource.
func (l *loop) launchServer(r *resource) {
	l.changePhase(r)
	r.serveExit = nil
	r.lastProbe = ""
	l.log(r.Name, logs.LevelInfo, "Running cmd: "+r.serveCommand)
	r.task.serve = serveLaunching
	r.serving = &execution{owner: serveOf{r}, source: r.Name, target: serveTarget(r.Name), command: r.serveCommand}
	l.execute(r.serving, r.Serve, l.config.Clock.Now())
}

// launched records that the server runs, and starts its probe.
func (o serveOf) launched(l *loop, x *execution, at time.Time) {
	r := o.resource
	if x.stopped {
		return
	}
	l.publishPhase(r)
	l.changePhase(r)
	r.process = &ServerProcess{PID: x.process.PID(), Start: at}
	r.task.serve = serveRunning
	if r.Readiness == nil {
		l.setReady(r, true, at)
		return
	}
	l.probe(x, r, *r.Readiness)
}

// probe probes a server until its execution is stopped or has ended.
func (l *loop) probe(x *execution, r *resource, readiness model.Probe) {
	ctx := l.inContext(&x.cancel)
	l.effect(func() {
		l.config.Probe(ctx, readiness, func(result probe.Result) {
			l.mailbox.put(probed{x, r, result, l.config.Clock.Now()})
		})
	})
}

// probed is a result of a readiness probe.
type probed struct {
	execution *execution
	resource  *resource
	result    probe.Result
	at        time.Time
}

func (m probed) apply(l *loop) {
	r := m.resource
	if r.serving != m.execution || m.execution.stopped || l.stopping {
		return
	}
	if r.process.Ready != m.result.Ready {
		l.publishPhase(r)
	}
	if m.result.Changed && !m.result.Ready {
		l.log(r.Name, logs.LevelWarn, "Readiness probe failed: "+m.result.Output)
	}
	l.setReady(r, m.result.Ready, m.at)
	if r.lastProbe != m.result.Output {
		r.lastProbe = m.result.Output
		l.touch(r)
	}
}

// setReady sets whether the running server of a resource is ready.
func (l *loop) setReady(r *resource, ready bool, at time.Time) {
	if r.process.Ready == ready {
		return
	}
	r.pause = r.pause.note(r.process, at)
	p := *r.process
	p.Ready = ready
	if ready {
		p.LastReady = at
		r.down = time.Time{}
		l.markMet(r)
	}
	r.process = &p
	l.changePhase(r)
}

// ended records that the server has ended or that its launch failed.
func (o serveOf) ended(l *loop, x *execution, m ended) {
	r := o.resource
	l.publishPhase(r)
	l.changePhase(r)
	r.serving = nil
	if r.task.serve == serveStopping {
		r.task.serve = serveDue
		return
	}
	exit := serveExit(x.command, r.process, m)
	r.pause = r.pause.note(r.process, m.at)
	wasReady := r.process != nil && !r.process.LastReady.IsZero()
	r.process = nil
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
	r.serveExit = exit
	r.task.serve = serveExited
	l.log(r.Name, logs.LevelError, exit.Error)
}

// restartLater launches the server of a resource again after its backoff.
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

// resetServe abandons the server of a resource and clears its state.
func (l *loop) resetServe(r *resource) {
	if r.serving != nil {
		l.abandon(r.serving)
		r.task.oldServer = true
	}
	r.restart.stop()
	r.serve = serve{serveCommand: r.serveCommand}
}
