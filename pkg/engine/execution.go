// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// execution is one run of a command. A message about an execution that isn't
// its resource's current one any more is about a process that was given up.
type execution struct {
	resource *resource
	// start is when the execution was decided.
	start time.Time
	// process is nil until the command was launched.
	process Process
	// cancelProbe ends the readiness probe, nil if none runs.
	cancelProbe context.CancelFunc
}

// pid is 0 before it's known.
func (x *execution) pid() int {
	if x.process == nil {
		return 0
	}
	return x.process.PID()
}

// execute launches a command of a resource.
func (l *loop) execute(r *resource, command *model.Command) *execution {
	x := &execution{resource: r, start: l.config.Clock.Now()}
	l.executions[x] = struct{}{}
	spec := process.Spec{Argv: command.Argv, Dir: command.Dir, Env: slices.Concat(l.environ, command.Env)}
	name := r.Name
	l.effect(func() { l.runProcess(x, name, spec) })
	return x
}

// runProcess is the effect of an execution. It reads nothing of x, which
// belongs to the loop.
func (l *loop) runProcess(x *execution, name string, spec process.Spec) {
	output := l.config.Logs.Writer(name)
	spec.Output = output
	p, err := l.config.Start(spec)
	if err == nil {
		l.mailbox.put(launched{x, p, l.config.Clock.Now()})
		<-p.Done()
	}
	_ = output.Close() // It has no way to fail.
	end := ended{execution: x, err: err, at: l.config.Clock.Now()}
	if err == nil {
		end.exit = p.Exit()
	}
	l.mailbox.put(end)
}

// launched is a command that now runs.
type launched struct {
	execution *execution
	process   Process
	at        time.Time
}

func (m launched) apply(ctx context.Context, l *loop) {
	x := m.execution
	x.process = m.process
	if l.stopping {
		x.process.Stop(l.grace)
		return
	}
	switch r := x.resource; x {
	case r.update:
		r.changed = true
	case r.serve:
		l.serverLaunched(ctx, x, m.at)
	}
}

// ended is the end of an execution: of its process with the whole group and
// all output, or of the attempt to launch it.
type ended struct {
	execution *execution
	// err is why the command couldn't be launched.
	err  error
	exit process.Exit
	at   time.Time
}

func (m ended) apply(_ context.Context, l *loop) {
	x := m.execution
	delete(l.executions, x)
	if x.cancelProbe != nil {
		x.cancelProbe()
	}
	if l.stopping {
		return
	}
	switch r := x.resource; x {
	case r.update:
		l.updateEnded(r, m)
	case r.serve:
		l.serverEnded(r, m)
	}
}
