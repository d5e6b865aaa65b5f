// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"slices"
)

// settings are the inputs of a decision besides the tasks.
type settings struct {
	// slots is how many jobs may run at once.
	slots int
	// abandoned counts the abandoned jobs that still run, abandonedAlone those of them that must run alone.
	abandoned, abandonedAlone int
	// reloading is true while changes of the Tiltfile are not evaluated.
	reloading bool
	// failFast prevents every start after a failure. tiltfileFailed is a failure of the Tiltfile itself.
	failFast, tiltfileFailed bool
}

// load sums up the state of all tasks.
type load struct {
	// running counts the running jobs, light those of them that take no slot. alone is true if one of them must run
	// alone.
	running, light int
	alone          bool
	// halted is true if nothing new starts.
	halted bool
	// queued counts the updates that are ready to begin, by wish, lightQueued those of them that take no slot.
	queued, lightQueued [wishes]int
}

// conditions are the parts of load and settings that affect holds. While they
// don't change, the hold of a task changes only if the task itself changes.
type conditions struct {
	// busy is true if a job runs, full if no slot is left.
	alone, busy, full, reloading, halted bool
}

func (l *load) conditions(s settings) conditions {
	return conditions{
		alone: l.alone, busy: l.running > 0, full: l.running-l.light >= s.slots,
		reloading: s.reloading, halted: l.halted,
	}
}

// start is a decision to begin the update of a resource, or to launch its server.
type start struct {
	resource int
	server   bool
}

// measure sums up the state of all tasks.
func measure(tasks []task, s settings) load {
	l := load{running: s.abandoned, alone: s.abandonedAlone > 0}
	failed := s.tiltfileFailed
	for i := range tasks {
		t := &tasks[i]
		switch {
		case t.update == updateRunning:
			l.running++
			l.alone = l.alone || t.serial
			if t.light {
				l.light++
			}
		case t.ready():
			l.queued[t.wish]++
			if t.light {
				l.lightQueued[t.wish]++
			}
		}
		failed = failed || t.update == updateFailed || t.serve == serveExited
	}
	l.halted = failed && s.failFast
	return l
}

// next appends to starts everything that can start now, in order. An update without
// a job succeeds at once, so more may be able to start afterwards.
//
// The order of updates is: retries, then initial updates in the order of definition, then triggered ones in the
// order of the triggers, then changed ones, the earliest change first. An update that can't start doesn't delay
// those after it.
func next(starts []start, tasks []task, s settings) []start {
	l := measure(tasks, s)
	if l.halted {
		return starts
	}
	for i := range tasks {
		if tasks[i].serve == serveDue && !tasks[i].oldServer {
			starts = append(starts, start{i, true})
		}
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

// updates appends the updates with a wish that can begin, and adds them to the load.
func updates(starts []start, tasks []task, w wish, l *load, s settings) []start {
	var queue []int
	for i, left := 0, l.queued[w]; left > 0 && (l.room(s) || !l.alone && l.lightQueued[w] > 0); i++ {
		t := &tasks[i]
		if t.wish != w || !t.ready() {
			continue
		}
		left--
		if w == wishTrigger || w == wishChange {
			queue = append(queue, i)
		} else if l.admits(t, s) {
			starts = append(starts, start{i, false})
			l.add(t)
		}
	}
	slices.SortStableFunc(queue, func(a, b int) int { return cmp.Compare(tasks[a].order, tasks[b].order) })
	for _, i := range queue {
		if t := &tasks[i]; l.admits(t, s) {
			starts = append(starts, start{i, false})
			l.add(t)
		}
	}
	return starts
}

// room reports whether any other job that takes a slot can start.
func (l *load) room(s settings) bool { return !l.alone && l.running-l.light < s.slots }

// admits reports whether a ready job can start.
func (l *load) admits(t *task, s settings) bool {
	if t.light {
		return !l.alone
	}
	return l.room(s) && (!t.serial || l.running == 0)
}

// add counts an update. An update without a job takes no slot.
func (l *load) add(t *task) {
	if t.job {
		l.running++
		l.alone = t.serial
		if t.light {
			l.light++
			l.lightQueued[t.wish]--
		}
	}
}
