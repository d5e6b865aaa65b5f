// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	const idle, running, retrying, succeeded, failed = updateIdle, updateRunning, updateRetrying, updateSucceeded, updateFailed
	parallel := func(p updatePhase) task { return task{job: true, update: p} }
	light := func(p updatePhase) task { return task{job: true, light: true, update: p} }
	serial := func(p updatePhase) task { return task{job: true, serial: true, update: p} }
	server := func(u updatePhase, s servePhase) task { return task{server: true, update: u, serve: s} }
	both := func(u updatePhase, s servePhase) task {
		return task{job: true, serial: true, server: true, update: u, serve: s}
	}
	// These are the wishes of a task: its first update, another one, or one that needs a trigger.
	first := func(t task) task { t.want(wishInitial, 0); return t }
	again := func(t task) task { t.begun = true; t.want(wishRetry, 0); return t }
	triggered := func(t task, number int64) task { t.begun = true; t.want(wishTrigger, number); return t }
	changed := func(t task, when int64) task { t.begun = true; t.want(wishChange, when); return t }
	manual := func(t task) task { t.begun = true; t.want(wishPending, 0); return t }
	waiting := func(t task) task { t.unmet = 1; return t }
	ousting := func(t task) task { t.oldJob, t.oldServer = true, true; return t }
	three := settings{slots: 3}

	tests := []struct {
		name     string
		tasks    []task
		settings settings
		// starts are the indexes of updates and, with an s, of servers.
		starts string
		// holds are those of what still waits after the starts, as "update/serve", "-" where nothing waits.
		holds string
	}{
		{"nothing", nil, three, "", ""},
		{"no wish", []task{parallel(idle), server(idle, serveIdle)}, three, "", "- -"},
		{"one job", []task{first(serial(idle))}, three, "0", "-"},
		{"serial jobs go one by one, in order", []task{first(serial(idle)), first(serial(idle)), first(parallel(idle))}, three,
			"0", "- waiting-for-local waiting-for-local"},
		{"a serial job keeps everything from starting",
			[]task{serial(running), first(parallel(idle)), first(server(idle, serveIdle)), waiting(first(parallel(idle)))}, three,
			"", "- waiting-for-local -/waiting-for-local waiting-for-local"},
		{"a serial job waits for others, which pass it",
			[]task{parallel(running), first(serial(idle)), first(parallel(idle))}, three,
			"2", "- is-unparallelizable-local -"},
		{"the hold of a serial job that waits for others hides its dependencies",
			[]task{parallel(running), waiting(first(serial(idle)))}, three, "", "- is-unparallelizable-local"},
		{"slots", []task{first(parallel(idle)), first(parallel(idle)), first(parallel(idle)), first(parallel(idle))}, three,
			"0 1 2", "- - - waiting-for-slot"},
		{"light updates take no slot",
			[]task{first(parallel(idle)), first(light(idle)), first(parallel(idle)), first(light(idle)), first(serial(idle))},
			settings{slots: 1}, "0 1 3", "- - waiting-for-slot - is-unparallelizable-local"},
		{"light updates don't hold back others", []task{light(running), light(running), first(parallel(idle))},
			settings{slots: 1}, "2", "- - -"},
		{"light updates wait for one that runs alone", []task{serial(running), first(light(idle)), triggered(light(idle), 1)},
			three, "", "- waiting-for-local waiting-for-local"},
		{"triggered light updates", []task{parallel(running), triggered(light(idle), 2), triggered(light(idle), 1)},
			settings{slots: 1}, "2 1", "- - -"},
		{"one slot", []task{first(parallel(idle)), first(parallel(idle))}, settings{slots: 1}, "0", "- waiting-for-slot"},
		{"more running than slots", []task{parallel(running), parallel(running), first(parallel(idle))}, settings{slots: 1},
			"", "- - waiting-for-slot"},
		{"dependencies", []task{waiting(first(parallel(idle))), first(parallel(idle))}, three, "1", "waiting-for-dep -"},
		{"a dependency comes before a slot", []task{parallel(running), waiting(first(parallel(idle)))}, settings{slots: 1},
			"", "- waiting-for-dep"},
		{"a member of a chain while the first one runs alone", []task{first(serial(idle)), waiting(first(serial(idle)))}, three,
			"0", "- waiting-for-local"},
		{"a serial job that starts holds those before it", []task{waiting(first(parallel(idle))), first(serial(idle))}, three,
			"1", "waiting-for-local -"},
		{"only the first update waits for dependencies", []task{waiting(changed(serial(succeeded), 1))}, three, "0", "-"},
		{"reload", []task{first(parallel(idle)), first(server(idle, serveIdle))}, settings{slots: 3, reloading: true},
			"", "tiltfile-reload -/tiltfile-reload"},
		{"a reload doesn't stop a server whose update is done", []task{server(succeeded, serveDue)},
			settings{slots: 3, reloading: true}, "0s", "-/starting"},

		{"repetitions, first updates, triggers and changes, in that order",
			[]task{changed(serial(succeeded), 20), changed(serial(failed), 10), triggered(serial(failed), 2),
				triggered(serial(succeeded), 1), first(serial(idle)), again(serial(retrying))}, three,
			"5", "waiting-for-local waiting-for-local waiting-for-local waiting-for-local waiting-for-local -"},
		{"triggers in their order", []task{triggered(parallel(failed), 3), triggered(parallel(succeeded), 1), triggered(parallel(idle), 2)},
			settings{slots: 2}, "1 2", "waiting-for-slot - -"},
		{"the earliest change", []task{changed(parallel(failed), 3), changed(parallel(succeeded), 2), changed(parallel(idle), 2)},
			settings{slots: 2}, "1 2", "waiting-for-slot - -"},
		{"a trigger before a change", []task{changed(serial(succeeded), 1), triggered(serial(succeeded), 5)}, three,
			"1", "waiting-for-local -"},
		{"what runs already has to end", []task{triggered(parallel(running), 1)}, three, "", "-"},
		{"changes that need a trigger", []task{manual(serial(succeeded)), manual(both(failed, serveQueued)), manual(both(succeeded, serveRunning))},
			three, "", "pending-trigger pending-trigger/update-failed pending-trigger"},
		{"a job that's repeated after a while", []task{serial(retrying), both(retrying, serveQueued), first(serial(idle))}, three,
			"2", "retrying retrying/waiting-for-update -"},
		{"a trigger in the meantime", []task{triggered(serial(retrying), 1)}, three, "0", "-"},
		{"a job that was given up takes its slot", []task{first(parallel(idle))}, settings{slots: 1, abandoned: 1},
			"", "waiting-for-slot"},
		{"or everything", []task{first(parallel(idle))}, settings{slots: 3, abandoned: 1, abandonedAlone: 1},
			"", "waiting-for-local"},
		{"and its successor waits in any case", []task{ousting(first(parallel(idle))), first(parallel(idle))}, settings{slots: 3, abandoned: 1},
			"1", "waiting-for-local -"},

		{"servers take no slot", []task{first(server(idle, serveIdle)), first(server(idle, serveIdle)), first(parallel(idle))},
			settings{slots: 1}, "0 1 2 0s 1s", "-/starting -/starting -"},
		{"but need a free one", []task{parallel(running), first(server(idle, serveIdle))}, settings{slots: 1},
			"", "- -/waiting-for-slot"},
		{"servers are no reason to wait", []task{server(succeeded, serveRunning), first(serial(idle))}, three, "1", "- -"},
		{"a server with dependencies", []task{waiting(first(server(idle, serveIdle)))}, three,
			"", "-/waiting-for-dep"},
		{"a server waits for its update", []task{both(running, serveQueued)}, three, "", "-/waiting-for-update"},
		{"a server whose update is queued waits for the same", []task{serial(running), first(both(idle, serveIdle))}, three,
			"", "- waiting-for-local/waiting-for-local"},
		{"or for the update where that waits for a slot",
			[]task{parallel(running), first(task{job: true, server: true})}, settings{slots: 1},
			"", "- waiting-for-slot/waiting-for-update"},
		{"a server after its update", []task{both(succeeded, serveDue)}, three, "0s", "-/starting"},
		{"a server after its predecessor", []task{ousting(both(succeeded, serveDue)), both(succeeded, serveStopping)}, three,
			"", "-/starting -/starting"},
		{"a server whose update failed", []task{both(failed, serveQueued)}, three, "", "-/update-failed"},
		{"a server whose failed update is queued", []task{triggered(both(failed, serveQueued), 1), serial(running)}, three,
			"", "waiting-for-local/waiting-for-local -"},
		{"a server goes on when its update runs or fails again",
			[]task{both(failed, serveRunning), both(running, serveRunning)}, three, "", "- -"},
		{"a server that has ended", []task{server(succeeded, serveExited)}, three, "", "-"},
		{"a server that's restarted after a while", []task{server(succeeded, serveRestarting)}, three, "", "-/restarting"},

		{"after a failure", []task{serial(failed), first(serial(idle))}, three, "1", "- -"},
		{"nothing after a failed job", []task{serial(failed), first(serial(idle)), first(both(idle, serveIdle))},
			settings{slots: 3, failFast: true}, "", "- after-failure after-failure/waiting-for-update"},
		{"nothing after a server has ended", []task{server(succeeded, serveExited), server(succeeded, serveDue)},
			settings{slots: 3, failFast: true}, "", "- -/after-failure"},
		{"nothing after the Tiltfile failed", []task{first(server(idle, serveIdle))},
			settings{slots: 3, failFast: true, tiltfileFailed: true}, "", "-/after-failure"},
		{"other reasons come before the failure",
			[]task{serial(failed), serial(running), first(serial(idle)), waiting(first(serial(idle)))},
			settings{slots: 3, failFast: true}, "", "- - waiting-for-local waiting-for-local"},
		{"a dependency on what failed", []task{serial(failed), waiting(first(serial(idle)))},
			settings{slots: 3, failFast: true}, "", "- waiting-for-dep"},
		{"a task before its retry has not failed", []task{serial(retrying), server(succeeded, serveRestarting), first(serial(idle))},
			settings{slots: 3, failFast: true}, "2", "retrying -/restarting -"},
		{"fail fast without a failure", []task{serial(succeeded), first(serial(idle))},
			settings{slots: 3, failFast: true}, "1", "- -"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			starts := decideAll(test.tasks, test.settings)
			if diff := cmp.Diff(test.starts, starts); diff != "" {
				t.Errorf("starts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.holds, describeHolds(test.tasks, test.settings)); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}

// decideAll carries out decisions until there are no more.
func decideAll(tasks []task, s settings) string {
	var words []string
	for {
		starts := next(nil, tasks, s)
		if len(starts) == 0 {
			return strings.Join(words, " ")
		}
		for _, start := range starts {
			t := &tasks[start.resource]
			if start.server {
				t.serve = serveLaunching
				words = append(words, fmt.Sprintf("%ds", start.resource))
				continue
			}
			t.begun = true
			t.want(wishNone, 0)
			t.update = updateRunning
			if !t.job {
				t.update = updateSucceeded
				t.serve = serveDue
			}
			words = append(words, fmt.Sprint(start.resource))
		}
	}
}

func describeHolds(tasks []task, s settings) string {
	var words []string
	load := measure(tasks, s)
	for i := range tasks {
		update, serve := holds(&tasks[i], load.conditions(s))
		word := string(update)
		if word == "" {
			word = "-"
		}
		if serve != HoldNone {
			word += "/" + string(serve)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func BenchmarkDecide(b *testing.B) {
	tasks := make([]task, 1000)
	for i := range tasks {
		tasks[i] = task{job: true, unmet: i % 2}
		tasks[i].want(wishInitial, 0)
	}
	for i := range 8 {
		tasks[i].update = updateRunning
	}
	s := settings{slots: 8}
	var starts []start
	for b.Loop() {
		starts = next(starts[:0], tasks, s)
		l := measure(tasks, s)
		c := l.conditions(s)
		for i := range tasks {
			holds(&tasks[i], c)
		}
	}
}
