// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"slices"
)

// settings are what deciding needs to know besides the resources.
type settings struct {
	// slots is how many jobs may run at once.
	slots int
	// leaving counts the jobs that run although they were given up, and
	// leavingAlone those of them that don't allow others beside them.
	leaving, leavingAlone int
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
	// queued counts the updates that are ready to begin, by wish, due the
	// servers.
	queued [wishes]int
	due    int
}

// conditions are what of a load and the settings matters to a task. As long as
// they stay the same, no task is held for another reason than before unless it
// has changed itself.
type conditions struct {
	// busy is true when a job runs, full when there's no slot left.
	alone, busy, full, reloading, halted bool
}

func (l *load) conditions(s settings) conditions {
	return conditions{
		alone: l.alone, busy: l.running > 0, full: l.running >= s.slots,
		reloading: s.reloading, halted: l.halted,
	}
}

// start is a decision: the update of a resource begins, or its server is
// launched.
type start struct {
	resource int
	server   bool
}

// measure sums up what the tasks are doing.
func measure(tasks []task, s settings) load {
	l := load{running: s.leaving, alone: s.leavingAlone > 0}
	failed := s.tiltfileFailed
	for i := range tasks {
		t := &tasks[i]
		switch {
		case t.update == updateRunning:
			l.running++
			l.alone = l.alone || t.serial
		case t.ready():
			l.queued[t.wish]++
		}
		if t.serve == serveDue {
			l.due++
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
// Of the updates those that are repeated come first, then those of resources
// that never ran, in the order of definition, then what was triggered, in the
// order of the triggers, then what has changed, the earliest change first. One
// that can't start doesn't hold back those behind it.
func next(starts []start, tasks []task, s settings) []start {
	l := measure(tasks, s)
	if l.halted {
		return starts
	}
	if l.due > 0 {
		starts = dueServers(starts, tasks)
	}
	if s.reloading {
		return starts
	}
	for w := wishes - 1; w.startable(); w-- {
		if l.queued[w] > 0 {
			starts = updates(starts, tasks, w, &l, s)
		}
	}
	return starts
}

func dueServers(starts []start, tasks []task) []start {
	for i := range tasks {
		if tasks[i].serve == serveDue && !tasks[i].oldServer {
			starts = append(starts, start{i, true})
		}
	}
	return starts
}

// updates appends the updates with a wish that can begin, and adds them to the
// load.
func updates(starts []start, tasks []task, w wish, l *load, s settings) []start {
	var queue []int
	for i, left := 0, l.queued[w]; left > 0 && l.room(s); i++ {
		t := &tasks[i]
		if t.wish != w || !t.ready() {
			continue
		}
		left--
		if w == wishTrigger || w == wishChange {
			queue = append(queue, i)
		} else if l.admits(t) {
			starts = append(starts, start{i, false})
			l.add(t)
		}
	}
	slices.SortStableFunc(queue, func(a, b int) int { return cmp.Compare(tasks[a].order, tasks[b].order) })
	for _, i := range queue {
		if t := &tasks[i]; l.room(s) && l.admits(t) {
			starts = append(starts, start{i, false})
			l.add(t)
		}
	}
	return starts
}

// room is true when some job can start beside those that run.
func (l *load) room(s settings) bool { return !l.alone && l.running < s.slots }

// admits is true when a job that's ready can start where there's room.
func (l *load) admits(t *task) bool { return !t.serial || l.running == 0 }

// add counts an update in. One without a job takes no time.
func (l *load) add(t *task) {
	if t.job {
		l.running++
		l.alone = t.serial
	}
}
