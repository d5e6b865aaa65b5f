// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

// ending makes the report of a run, once: at the first end that is known, from the process's own knowledge. It is safe
// for concurrent use.
type ending struct {
	options *options
	program command.Program
	logs    *logs.Store
	writer  *writer
	// begun is the run, nil before it has begun. signal is the one that ends the run, set before that.
	begun  atomic.Pointer[begun]
	signal atomic.Pointer[host.SignalError]
	once   sync.Once
	report atomic.Pointer[report.Report]
}

// begun is a run that has begun.
type begun struct {
	session *v1alpha1.Session
	run     controller.Run
}

func newEnding(o *options, p command.Program, log *logs.Store) *ending {
	return &ending{options: o, program: p, logs: log, writer: &writer{reports: &o.reports, program: p}}
}

// began notes the run.
func (e *ending) began(s *v1alpha1.Session, run controller.Run) {
	e.begun.CompareAndSwap(nil, &begun{s, run})
}

// of is the report of a Session that has ended.
func (e *ending) of(outcome controller.Outcome) *report.Report {
	var snapshot *engine.Snapshot
	if outcome.Run != nil {
		snapshot = outcome.Run.Snapshot()
	}
	return e.make(outcome.Session, snapshot, e.options.result(outcome, e.signal.Load()))
}

// without is the report of a run that ends without an end of its Session, with an error or by a signal.
func (e *ending) without(err error) *report.Report {
	if signal := new(host.SignalError); errors.As(err, &signal) {
		e.signal.Store(signal)
		err = e.options.signalled(signal)
	}
	if b := e.begun.Load(); b != nil {
		s, snapshot := b.session.DeepCopy(), b.run.Snapshot()
		s.Status = session.Undecidedly(snapshot, s, time.Now())
		return e.make(s, snapshot, command.Failed(err))
	}
	return e.make(e.options.session(), nil, command.Failed(err))
}

func (e *ending) make(s *v1alpha1.Session, snapshot *engine.Snapshot, err error) *report.Report {
	e.once.Do(func() {
		e.logs.Close() // What processes write while they're being stopped isn't shown.
		in := report.Input{
			Session: s, Snapshot: snapshot, Log: e.logs, Version: e.program.Version,
			Root: reportRoot(e.options.file, os.Getenv), ExitCode: e.program.ExitCode(err), End: time.Now(),
		}
		if err != nil {
			in.Error = err.Error()
		}
		if signal := e.signal.Load(); signal != nil {
			if verdict := session.VerdictOf(s.Status); verdict == session.Undecided || verdict == session.Interrupted {
				in.Signal = signalName(signal)
			}
		}
		in.Host, _ = os.Hostname() // Without one it stays empty.
		e.report.Store(report.New(in))
	})
	return e.report.Load()
}

func signalName(s *host.SignalError) string {
	if signal, ok := s.Signal.(unix.Signal); ok {
		return unix.SignalName(signal)
	}
	return s.Signal.String()
}

// finish writes the reports if that hasn't happened, and returns the error of the command.
func (e *ending) finish(err error) error {
	r := e.report.Load()
	if r == nil {
		r = e.without(err)
	}
	_, failed := e.writer.write(r)
	if failed != nil && err == nil {
		return command.WithCode(command.ExitFailure, "%w", failed)
	}
	return err
}

// afterPanic writes the reports when the caller panics. It is deferred.
func (e *ending) afterPanic() {
	if p := recover(); p != nil {
		_ = e.finish(fmt.Errorf("panic: %v", p)) // The panic is what matters.
		panic(p)
	}
}
