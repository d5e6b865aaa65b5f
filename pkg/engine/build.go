// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"time"
)

// Build is one execution of an update or one evaluation of the Tiltfile, from the time at which it was first wanted. It
// is immutable once published.
type Build struct {
	// Number is 1 for the first build of a target in this run and increases with each.
	Number int
	// Queued is when the build was first wanted, Allowed when all that it depends on was there, so that only its turn
	// was missing, Start when it began, Finish when it ended, zero while it goes on. A retry is a build of its own.
	Queued, Allowed, Start, Finish time.Time
	// Reason is why it began.
	Reason BuildReason
	// Files are the changed files that made it due, those of a new definition included, sorted, at most maxBuildFiles of
	// them. Changed counts all.
	Files   []string
	Changed int
	// Attempt is 0 for the first execution and increases with each retry.
	Attempt int
	// Live is true for a live update.
	Live bool
	// FirstLine is the sequence number of the first line of the log that can be of it, EndLine that of the first line
	// after it, 0 while it goes on. Between them, lines of its source are its own or those of the target's runtime.
	FirstLine, EndLine uint64
	// Error is why it failed, Canceled if it was ended before it could, empty for success and while it goes on. Code and
	// Signal are as in Exit.
	Error  string
	Code   *int
	Signal string
}

// Canceled is the Error of a build whose result doesn't matter any more.
const Canceled = "canceled"

// BuildReason is why a build began.
type BuildReason string

// The reasons, strongest first.
const (
	BuildInitial    BuildReason = "initial"
	BuildRetry      BuildReason = "retry"
	BuildTrigger    BuildReason = "trigger"
	BuildFiles      BuildReason = "files"
	BuildDependency BuildReason = "dependency"
	BuildConfig     BuildReason = "config"
	BuildArgs       BuildReason = "args"
)

const (
	// maxBuilds is how many ended builds of a target are kept.
	maxBuilds = 20
	// maxBuildFiles is how many changed files of a build are kept.
	maxBuildFiles = 20
)

// History are the builds of a target in this run, also of those before it was disabled. It is immutable, with all that
// it points to.
type History struct {
	// Current is the build that goes on, nil if there is none.
	Current *Build
	// Ended are the last builds that have ended, newest first.
	Ended []*Build
}

// begun is h with a build that begins.
func (h *History) begun(b Build) *History {
	next := &History{Current: &b}
	if h != nil {
		next.Ended = h.Ended
	}
	b.Number = 1
	if len(next.Ended) > 0 {
		b.Number += next.Ended[0].Number
	}
	return next
}

// ended is h with its current build ended. line is the number of the next line of the log.
func (h *History) ended(exit *Exit, line uint64) *History {
	b := *h.Current
	b.Finish, b.Error, b.Code, b.Signal, b.EndLine = exit.Finish, exit.Error, exit.Code, exit.Signal, line
	ended := make([]*Build, 0, min(len(h.Ended)+1, maxBuilds))
	return &History{Ended: append(append(ended, &b), h.Ended[:min(len(h.Ended), maxBuilds-1)]...)}
}

// changedBy sets the files of a build, which it sorts.
func (b *Build) changedBy(paths []string) {
	slices.Sort(paths)
	paths = slices.Compact(paths)
	b.Changed = len(paths)
	b.Files = slices.Clone(paths[:min(len(paths), maxBuildFiles)])
}

// buildReason is the strongest of the reasons for a build. files is true if changed files are among them.
func (w *wants) buildReason(files bool) BuildReason {
	switch {
	case w.retry:
		return BuildRetry
	case w.initial:
		return BuildInitial
	case w.trigger > 0 && !w.follows:
		return BuildTrigger
	case files:
		return BuildFiles
	case w.follows || w.redefined.IsZero():
		return BuildDependency
	}
	return BuildConfig
}

// newBuild is the build of a task that begins now.
func (l *loop) newBuild(r *resource, now time.Time) Build {
	b := Build{Queued: r.due.queued, Allowed: r.due.allowed, Start: now, FirstLine: l.config.Logs.Next()}
	// Both are unset if that has become so since the last snapshot.
	if b.Queued.IsZero() {
		b.Queued = now
	}
	if b.Allowed.IsZero() {
		b.Allowed = now
	}
	return b
}

// endBuild records the end of the current build of a task.
func (l *loop) endBuild(r *resource, exit *Exit) {
	r.history = r.history.ended(exit, l.config.Logs.Next())
}

// failBuild records a build of a task that has failed before it could begin.
func (l *loop) failBuild(r *resource, b Build, exit *Exit) {
	r.history = r.history.begun(b)
	l.endBuild(r, exit)
}
