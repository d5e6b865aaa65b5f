// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/probe"
)

// launchServer starts the server of a resource.
func (l *loop) launchServer(r *resource) {
	r.changed = true
	r.serveExit = nil
	r.lastProbe = ""
	l.log(r.Name, logs.LevelInfo, "Running cmd: "+r.serveCommand)
	r.task.serve = serveLaunching
	r.serve = l.execute(r, r.Serve)
}

// serverLaunched records that the current server of a resource runs, and has
// it probed.
func (l *loop) serverLaunched(ctx context.Context, x *execution, at time.Time) {
	r := x.resource
	r.changed = true
	r.process = &ServerProcess{PID: x.pid(), Start: at}
	r.task.serve = serveRunning
	if r.Readiness == nil {
		l.setReady(r, true, at)
		return
	}
	ctx, x.cancelProbe = context.WithCancel(ctx)
	readiness := *r.Readiness
	l.effect(func() {
		l.config.Probe(ctx, readiness, func(result probe.Result) {
			l.mailbox.put(probed{x, result, l.config.Clock.Now()})
		})
	})
}

// setReady changes whether the running server of a resource is ready.
func (l *loop) setReady(r *resource, ready bool, at time.Time) {
	if r.process.Ready == ready || r.replaced {
		return
	}
	p := *r.process
	p.Ready = ready
	if ready {
		p.LastReady = at
		l.meet(r)
	}
	r.process = &p
	r.changed = true
}

// serverEnded records that a server has ended by itself or couldn't be
// launched.
func (l *loop) serverEnded(r *resource, end ended) {
	if r.replaced {
		r.replaced = false
		r.serve = nil
		r.task.serve = serveQueued
		return
	}
	r.serveExit = serveExit(r.serveCommand, r.process, end)
	r.serve = nil
	r.process = nil
	r.changed = true
	r.task.serve = serveExited
	l.log(r.Name, logs.LevelError, r.serveExit.Error)
}

// probed is a result of a readiness probe.
type probed struct {
	execution *execution
	result    probe.Result
	at        time.Time
}

func (m probed) apply(_ context.Context, l *loop) {
	r := m.execution.resource
	if r.serve != m.execution {
		return
	}
	if m.result.Changed && !m.result.Ready {
		l.log(r.Name, logs.LevelWarn, "Readiness probe failed: "+m.result.Output)
	}
	l.setReady(r, m.result.Ready, m.at)
	if r.lastProbe != m.result.Output {
		r.lastProbe = m.result.Output
		r.changed = true
	}
}
