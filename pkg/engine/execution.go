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

// execution is one run of a command.
type execution struct {
	// owner is told what happens, nil once the execution was given up.
	owner owner
	// source is under which name the output is logged, target tells executions
	// of the same thing from others.
	source, target string
	// command is the command as a person would write it.
	command string
	// slot is true for a job, serial for one that runs alone.
	slot, serial bool
	// timeout is how long it may take, 0: as long as it likes.
	timeout time.Duration

	// start is when the execution was decided.
	start time.Time
	// process is nil until the command was launched.
	process Process
	// stopped is true once it has been asked to end, timedOut when that was
	// because it took too long.
	stopped, timedOut bool
	// over is closed when the loop knows of the end.
	over chan struct{}
	// cancel ends what goes on beside the process, such as its probe or the
	// time that it may take. It's nil if there's nothing.
	cancel context.CancelFunc
}

// owner is what a command is executed for.
type owner interface {
	// launched is called when the command runs, though it may have been
	// asked to end by then.
	launched(l *loop, x *execution, at time.Time)
	// ended is called at the end.
	ended(l *loop, x *execution, m ended)
}

// stop ends an execution, at the latest when grace is over. When that has been
// asked for before, only no grace makes a difference.
func (x *execution) stop(grace time.Duration) {
	if x.stopped && grace > 0 {
		return
	}
	x.stopped = true
	x.finish()
	if x.process != nil {
		x.process.Stop(grace)
	}
}

// finish ends what goes on beside the process.
func (x *execution) finish() {
	if x.cancel != nil {
		x.cancel()
	}
}

// execute launches a command.
func (l *loop) execute(x *execution, command *model.Command, now time.Time) {
	x.start, x.over = now, make(chan struct{})
	l.executions[x] = struct{}{}
	spec := process.Spec{Argv: command.Argv, Dir: command.Dir, Env: slices.Concat(l.environ, command.Env)}
	source := x.source
	l.effect(func() { l.runProcess(x, source, spec) })
}

// runProcess is the effect of an execution. It reads nothing of x, which
// belongs to the loop.
func (l *loop) runProcess(x *execution, source string, spec process.Spec) {
	output := l.config.Logs.Writer(source)
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

// giveUp stops an execution that nobody is interested in any more. Until it has
// ended, a job still takes its slot, and its successor has to wait.
func (l *loop) giveUp(x *execution) {
	x.owner = nil
	x.stop(l.grace)
	l.leaving[x.target] = x
	l.countLeaving(x, 1)
}

func (l *loop) countLeaving(x *execution, n int) {
	if x.slot {
		l.settings.leaving += n
	}
	if x.serial {
		l.settings.leavingAlone += n
	}
}

// launched is a command that now runs.
type launched struct {
	execution *execution
	process   Process
	at        time.Time
}

func (m launched) apply(l *loop) {
	x := m.execution
	x.process = m.process
	if x.stopped || l.stopping {
		x.process.Stop(l.grace)
	} else if x.timeout > 0 {
		l.limit(x)
	}
	if x.owner != nil && !l.stopping {
		x.owner.launched(l, x, m.at)
	}
}

// limit has an execution stopped when it takes too long. The timer may fire late,
// when the whole process was stopped for a while, so that an end that has come by
// then counts.
func (l *loop) limit(x *execution) {
	x.cancel = l.later(x.timeout, func() {
		if !x.stopped && !x.process.Exited() {
			x.timedOut = true
			x.stop(l.grace)
		}
	}).stop
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

func (m ended) apply(l *loop) {
	x := m.execution
	delete(l.executions, x)
	close(x.over)
	x.finish()
	switch {
	case l.stopping:
	case x.owner != nil:
		x.owner.ended(l, x, m)
	default:
		l.left(x)
	}
}

// left lets those go on that waited for the end of an execution that was given
// up.
func (l *loop) left(x *execution) {
	l.countLeaving(x, -1)
	delete(l.leaving, x.target)
	r := l.byName[x.source]
	if r == nil {
		return
	}
	l.touch(r)
	switch x.target {
	case updateTarget(r.Name):
		r.task.oldJob = false
	case serveTarget(r.Name):
		r.task.oldServer = false
	}
}
