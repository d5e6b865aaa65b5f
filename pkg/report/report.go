// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report has one model of a finished run, and its forms: text for people, JUnit, JSON and others.
//
// A Report is made once, from the last status of the Session, the last snapshot of the run before its teardown, and its
// log. So it doesn't depend on whether the API could store anything. Every form is a pure function of a Report.
package report

import (
	"path/filepath"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// Report is a finished run. It is immutable, with everything that it points to.
type Report struct {
	// Session has the spec and the whole last status, which shows the state before the teardown.
	Session *v1alpha1.Session
	// Version is that of the program.
	Version string
	// Tiltfile is the absolute path of the main Tiltfile. Root is the absolute directory that paths are shown relative
	// to, such as that of the repository. Host is the name of the machine.
	Tiltfile, Root, Host string
	// Verdict is how the Session has ended, Undecided for one that has ended without a verdict: the Session of up, one
	// that was deleted, and one that couldn't begin.
	Verdict session.Verdict
	// Signal is the name of the signal that has ended the run, such as "SIGINT", empty if none did.
	Signal string
	// Error is why the run isn't a success, empty for a success and for an up that a signal has ended.
	Error string
	// ExitCode is that of the program, as far as it is known before the reports are written.
	ExitCode int
	// Start is when the run began, End when it ended: the verdict or the signal, before the teardown.
	Start, End time.Time
	// Targets are sorted by name.
	Targets []Target
	// Failures are the failed ones of Targets, the earliest first.
	Failures []*Target
	// Chain is the longest chain of targets that waited for each other, the first one first. It is nil if it isn't known.
	Chain []Link
	// TiltfileLog are the last lines of the log of the Tiltfile.
	TiltfileLog []logs.Line
}

// Link is one target of the longest chain, with the time for which the chain was on it.
type Link struct {
	Target     string
	Start, End time.Time
}

// Target is one job or server of the run.
type Target struct {
	Name      string
	Type      v1alpha1.TargetType
	Resources []string
	// Tiltfile is true for the target that evaluates the Tiltfile.
	Tiltfile bool
	// Phase is the kind of its last state, and State that in words, such as "failed", "not ready" or "not requested".
	Phase session.Phase
	State string
	// Queued is when its last execution was first requested, Allowed when all that it depends on was there, Started when
	// it began, Ready when a server was first ready, Finished when it ended. Those that haven't come are zero.
	Queued, Allowed, Started, Ready, Finished time.Time
	// Command is what it runs as a person would write it, or what is built or deployed. Directory is where, empty if that
	// isn't known.
	Command, Directory string
	// Position is that of the call that defines it or, for a Tiltfile that failed, of the error.
	Position model.Position
	// Error is why it failed, empty for others. ExitCode is nil if no process ran or a signal ended it, and Signal is the
	// name of that, such as "killed".
	Error    string
	ExitCode *int32
	Signal   string
	// WaitReason is why it waits, empty if it doesn't.
	WaitReason string
	// Restarts is how often it was started again after a failure: the retries of a job, the restarts of a server.
	Restarts int
	// Late is true for a server that has failed because it wasn't ready in time.
	Late bool
	// Unfinished is true for a target that ran, or was about to run again, when the run ended without its success.
	Unfinished bool
	// Needs are the names of the targets that must be there before it runs, sorted.
	Needs []string
	// HeldBackBy are the names of the failed targets because of which it never ran, sorted, and HeldBack those of the
	// targets that never ran because of its failure.
	HeldBackBy, HeldBack []string
	// History are the executions of a job, nil for a server and if there was none.
	History *engine.History
	// Log are its last lines of output, oldest first: many for one that failed or is unfinished, few for others. Missing
	// counts the lines before them.
	Log     []logs.Line
	Missing uint64
}

// Log has the output of resources.
type Log interface {
	// Tail returns the last lines of a source, oldest first.
	Tail(source string, lines int) []logs.Line
	// Written counts the lines that a source has written.
	Written(source string) uint64
}

// Input is what a Report is made of.
type Input struct {
	// Session has the spec and the last status. It isn't nil; the status of a run that never began is empty.
	Session *v1alpha1.Session
	// Snapshot is the last one of the run, nil if it never began.
	Snapshot *engine.Snapshot
	// Log is nil if there is none.
	Log Log
	// The others are as in Report. An empty Error is that of the Session.
	Version, Root, Host, Signal, Error string
	ExitCode                           int
	End                                time.Time
}

// Took is how long the run took.
func (r *Report) Took() time.Duration { return max(0, r.End.Sub(r.Start)) }

// Relative is a path relative to Root if it is below that, else the path itself.
func (r *Report) Relative(path string) string {
	if below, err := filepath.Rel(r.Root, path); err == nil && r.Root != "" && filepath.IsLocal(below) {
		return below
	}
	return path
}

// Green reports whether the run is a success.
func (r *Report) Green() bool { return r.ExitCode == 0 }

// Ran is how long a target ran: until it was ready, has ended, or the run has. It is 0 for one that never began.
func (r *Report) Ran(t *Target) time.Duration {
	end := r.End
	switch {
	case t.Started.IsZero():
		return 0
	case !t.Finished.Before(t.Started):
		end = t.Finished
	case !t.Ready.Before(t.Started):
		end = t.Ready
	}
	return max(0, end.Sub(t.Started))
}

// Waited is how long a target waited from its request to its start. It is 0 for one that never began.
func (t *Target) Waited() time.Duration {
	if t.Queued.IsZero() || t.Started.IsZero() {
		return 0
	}
	return max(0, t.Started.Sub(t.Queued))
}
