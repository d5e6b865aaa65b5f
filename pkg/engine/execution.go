// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// execution is one run of a command.
type execution struct {
	// owner handles the launch and the end, nil once the execution is abandoned.
	owner owner
	// source is the name for the log. target identifies executions of the same job or server.
	source, target string
	// command is the command as shown to a person.
	command string
	// slot is true for a job, serial for one that runs alone.
	slot, serial bool
	// timeout is the longest time from the launch to the end, 0 for no limit.
	timeout time.Duration

	// start is when the loop decided to start the execution.
	start time.Time
	// process is nil until the command was launched.
	process Process
	// stopped is true once it is being stopped, timedOut if the timeout is the cause.
	stopped, timedOut bool
	// over is closed when the loop has applied the end.
	over chan struct{}
	// cancel stops the probe or the timer of the process. It is nil if there is none.
	cancel context.CancelFunc
}

// owner is the job, server or companion that an execution belongs to.
type owner interface {
	// launched is called when the command runs, even if it is being stopped.
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
	x.finish()
	if x.process != nil {
		x.process.Stop(grace)
	}
}

// finish stops the probe or the timer of the process.
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

// runProcess is the effect of an execution. It doesn't access fields of x, which belong to the loop.
func (l *loop) runProcess(x *execution, source string, spec process.Spec) {
	output := l.config.Logs.Writer(source)
	spec.Output = output
	p, err := l.config.Start(spec)
	if err == nil {
		l.mailbox.put(launched{x, p, l.config.Clock.Now()})
		<-p.Done()
	}
	_ = output.Close() // It never fails.
	end := ended{execution: x, err: err, at: l.config.Clock.Now()}
	if err == nil {
		end.exit = p.Exit()
	}
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

// launched reports that a command runs.
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

// limit stops an execution at its timeout. The timer fires late if this process was
// suspended; then an end before that counts.
func (l *loop) limit(x *execution) {
	x.cancel = l.later(x.timeout, func() {
		if !x.stopped && !x.process.Exited() {
			x.timedOut = true
			x.stop(l.grace)
		}
	}).stop
}

// ended reports the end of an execution: its whole process group has ended and all
// output is stored, or the launch has failed.
type ended struct {
	execution *execution
	// err is the error of the launch.
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
		l.abandonedEnded(x)
	}
}

// abandonedEnded releases the slot and the successor of an abandoned execution.
func (l *loop) abandonedEnded(x *execution) {
	l.countAbandoned(x, -1)
	delete(l.abandoned, x.target)
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

// updateExit returns the published result of a job.
func updateExit(x *execution, end ended) *Exit {
	cause := end.exit.String()
	switch {
	case end.err != nil:
		cause = fmt.Sprintf("failed to start: %v", end.err)
	case x.timedOut:
		cause = fmt.Sprintf("timed out after %s", x.timeout)
	case end.exit == process.Exit{}:
		return newExit(x.start, end, "")
	}
	return newExit(x.start, end, fmt.Sprintf("Command %q failed: %s", x.command, cause))
}

// serveExit returns the published result of a server, which is always a failure.
// The process is nil if the launch failed.
func serveExit(command string, p *ServerProcess, end ended) *Exit {
	if end.err != nil {
		return newExit(time.Time{}, end, fmt.Sprintf("Command %q failed to start: %v", command, end.err))
	}
	err := fmt.Sprintf("Process %d exited with code %d", p.PID, end.exit.Code)
	switch {
	case end.exit.Signal != "":
		err = fmt.Sprintf("Process %d was killed by signal: %s", p.PID, end.exit.Signal)
	case end.exit.Code == 0:
		err += ", but servers are expected to run indefinitely"
	}
	return newExit(p.Start, end, err)
}

func newExit(start time.Time, end ended, err string) *Exit {
	exit := &Exit{Start: start, Finish: end.at, Error: err, Signal: end.exit.Signal}
	if end.err == nil && end.exit.Signal == "" {
		exit.Code = &end.exit.Code
	}
	return exit
}
