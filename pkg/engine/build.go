// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "time"

// Build is one execution of an update or one evaluation of the Tiltfile, from the time at which it was first wanted. It
// is immutable once published.
type Build struct {
	// Number is 1 for the first build of a target in this run and increases with each.
	Number int
	// Queued is when the build was first wanted, Allowed when all that it depends on was there, so that only its turn
	// was missing, Start when it began, Finish when it ended, zero while it goes on.
	Queued, Allowed, Start, Finish time.Time
	// Reason is why it began.
	Reason BuildReason
	// Files are the changed files that made it due, sorted, at most maxBuildFiles of them. Changed counts all.
	Files   []string
	Changed int
	// Attempt is 0 for the first execution and increases with each retry.
	Attempt int
	// Live is true for a live update.
	Live bool
	// FirstLine is the sequence number of the first line of the log that can be of it, EndLine that of the first line
	// after it, 0 while it goes on.
	FirstLine, EndLine uint64
	// Error is why it failed, empty for success and while it goes on. Code and Signal are as in Exit.
	Error  string
	Code   *int
	Signal string
}

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

// History are the builds of a target. It is immutable, with all that it points to.
type History struct {
	// Current is the build that goes on, nil if there is none.
	Current *Build
	// Ended are the last builds that have ended, newest first.
	Ended []*Build
}

// Wait is since when a target waits, and for what. It is immutable.
type Wait struct {
	// Since is when its present wait began, with whatever reasons since then.
	Since time.Time
	// On are the names of the tasks that it waits for now, sorted: resources, images with model.ImagePrefix, or
	// model.TiltfileResource. It is empty if it waits for something else, such as a slot or a trigger.
	On []string
}
