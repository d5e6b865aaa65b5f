// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

// settings are what deciding needs to know besides the resources.
type settings struct {
	// slots is how many jobs may run at once.
	slots int
	// reloading is true while the Tiltfile has changes that weren't evaluated.
	reloading bool
	// failFast stops every start after a failure, of which the Tiltfile's own
	// is told by tiltfileFailed.
	failFast, tiltfileFailed bool
}

// load is what all resources together are doing.
type load struct {
	// running counts the jobs that run, alone is true when one of them doesn't
	// allow others beside it.
	running int
	alone   bool
	// halted is true when nothing new is started any more.
	halted bool
}

// start is a decision: the update of a resource begins, or its server is
// launched.
type start struct {
	resource int
	server   bool
}

// measure sums up what the tasks are doing.
func measure(tasks []task, s settings) load {
	var l load
	failed := s.tiltfileFailed
	for i := range tasks {
		t := &tasks[i]
		if t.update == updateRunning {
			l.running++
			l.alone = l.alone || t.serial
		}
		failed = failed || t.update == updateFailed || t.serve == serveExited
	}
	l.halted = failed && s.failFast
	return l
}

// next appends to starts what can be started now, in the order in which it's
// to be started. Since an update without a job succeeds at once, there may be
// more to start after these were.
//
// Updates are started in the order of definition. One that can't start doesn't
// hold back those behind it.
func next(starts []start, tasks []task, s settings) []start {
	l := measure(tasks, s)
	if l.halted {
		return starts
	}
	for i := range tasks {
		t := &tasks[i]
		if t.serve == serveQueued && t.update == updateSucceeded {
			starts = append(starts, start{i, true})
		}
		if t.update != updateQueued || updateHold(t, l, s) != HoldNone {
			continue
		}
		starts = append(starts, start{i, false})
		if t.job {
			l.running++
			l.alone = t.serial
		}
	}
	return starts
}
