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
	const (
		queued, running, succeeded, failed = updateQueued, updateRunning, updateSucceeded, updateFailed
	)
	parallel := func(p updatePhase) task { return task{job: true, update: p} }
	serial := func(p updatePhase) task { return task{job: true, serial: true, update: p} }
	server := func(u updatePhase, s servePhase) task { return task{server: true, update: u, serve: s} }
	both := func(u updatePhase, s servePhase) task {
		return task{job: true, serial: true, server: true, update: u, serve: s}
	}
	waiting := func(t task) task { t.unmet = 1; return t }
	three := settings{slots: 3}

	tests := []struct {
		name     string
		tasks    []task
		settings settings
		// starts are the indexes of updates and, with an s, of servers.
		starts string
		// holds are those of what still waits after the starts, as
		// "update/serve", "-" where nothing waits.
		holds string
	}{
		{"nothing", nil, three, "", ""},
		{"nobody asked", []task{parallel(updateIdle), server(updateIdle, serveIdle)}, three, "", "- -"},
		{"one job", []task{serial(queued)}, three, "0", "-"},
		{"serial jobs go one by one, in order", []task{serial(queued), serial(queued), parallel(queued)}, three,
			"0", "- waiting-for-local waiting-for-local"},
		{"a serial job keeps everything from starting",
			[]task{serial(running), parallel(queued), server(queued, serveQueued), waiting(parallel(queued))}, three,
			"", "- waiting-for-local -/waiting-for-local waiting-for-local"},
		{"a serial job waits for others, which pass it",
			[]task{parallel(running), serial(queued), parallel(queued)}, three,
			"2", "- is-unparallelizable-local -"},
		{"a serial job that waits for others doesn't tell of its dependencies",
			[]task{parallel(running), waiting(serial(queued))}, three, "", "- is-unparallelizable-local"},
		{"slots", []task{parallel(queued), parallel(queued), parallel(queued), parallel(queued)}, three,
			"0 1 2", "- - - waiting-for-slot"},
		{"one slot", []task{parallel(queued), parallel(queued)}, settings{slots: 1}, "0", "- waiting-for-slot"},
		{"more running than slots", []task{parallel(running), parallel(running), parallel(queued)}, settings{slots: 1},
			"", "- - waiting-for-slot"},
		{"dependencies", []task{waiting(parallel(queued)), parallel(queued)}, three, "1", "waiting-for-dep -"},
		{"a dependency is told before a slot", []task{parallel(running), waiting(parallel(queued))}, settings{slots: 1},
			"", "- waiting-for-dep"},
		{"a member of a chain while the first one runs alone", []task{serial(queued), waiting(serial(queued))}, three,
			"0", "- waiting-for-local"},
		{"a serial job that starts holds those before it", []task{waiting(parallel(queued)), serial(queued)}, three,
			"1", "waiting-for-local -"},
		{"reload", []task{parallel(queued), server(queued, serveQueued)}, settings{slots: 3, reloading: true},
			"", "tiltfile-reload -/tiltfile-reload"},
		{"a reload doesn't stop a server whose update is done", []task{server(succeeded, serveQueued)},
			settings{slots: 3, reloading: true}, "0s", "-/starting"},

		{"servers take no slot", []task{server(queued, serveQueued), server(queued, serveQueued), parallel(queued)},
			settings{slots: 1}, "0 1 2 0s 1s", "-/starting -/starting -"},
		{"but need a free one", []task{parallel(running), server(queued, serveQueued)}, settings{slots: 1},
			"", "- -/waiting-for-slot"},
		{"servers are no reason to wait", []task{server(succeeded, serveRunning), serial(queued)}, three, "1", "- -"},
		{"a server with dependencies", []task{waiting(server(queued, serveQueued))}, three,
			"", "-/waiting-for-dep"},
		{"a server waits for its update", []task{both(running, serveQueued)}, three, "", "-/waiting-for-update"},
		{"a server whose update is queued waits for the same", []task{serial(running), both(queued, serveQueued)}, three,
			"", "- waiting-for-local/waiting-for-local"},
		{"or for the update where that waits for a slot",
			[]task{parallel(running), {job: true, server: true, update: queued, serve: serveQueued}}, settings{slots: 1},
			"", "- waiting-for-slot/waiting-for-update"},
		{"a server after its update", []task{both(succeeded, serveQueued)}, three, "0s", "-/starting"},
		{"a server whose update failed", []task{both(failed, serveQueued)}, three, "", "-/update-failed"},
		{"a server goes on when its update runs or fails again",
			[]task{both(failed, serveRunning), both(running, serveRunning)}, three, "", "- -"},
		{"a server that has ended", []task{server(succeeded, serveExited)}, three, "", "-"},

		{"after a failure", []task{serial(failed), serial(queued)}, three, "1", "- -"},
		{"nothing after a failed job", []task{serial(failed), serial(queued), both(queued, serveQueued)},
			settings{slots: 3, failFast: true}, "", "- after-failure after-failure/waiting-for-update"},
		{"nothing after a server has ended", []task{server(succeeded, serveExited), server(succeeded, serveQueued)},
			settings{slots: 3, failFast: true}, "", "- -/after-failure"},
		{"nothing after the Tiltfile failed", []task{server(queued, serveQueued)},
			settings{slots: 3, failFast: true, tiltfileFailed: true}, "", "-/after-failure"},
		{"other reasons come before the failure", []task{serial(failed), serial(running), serial(queued), waiting(serial(queued))},
			settings{slots: 3, failFast: true}, "", "- - waiting-for-local waiting-for-local"},
		{"a dependency on what failed", []task{serial(failed), waiting(serial(queued))},
			settings{slots: 3, failFast: true}, "", "- waiting-for-dep"},
		{"fail fast without a failure", []task{serial(succeeded), serial(queued)},
			settings{slots: 3, failFast: true}, "1", "- -"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			starts := settle(test.tasks, test.settings)
			if diff := cmp.Diff(test.starts, starts); diff != "" {
				t.Errorf("starts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.holds, describeHolds(test.tasks, test.settings)); diff != "" {
				t.Errorf("holds (-want +got):\n%s", diff)
			}
		})
	}
}

// settle carries out decisions until there are no more.
func settle(tasks []task, s settings) string {
	var words []string
	for {
		starts := next(nil, tasks, s)
		if len(starts) == 0 {
			return strings.Join(words, " ")
		}
		for _, start := range starts {
			t := &tasks[start.resource]
			switch {
			case start.server:
				t.serve = serveLaunching
				words = append(words, fmt.Sprintf("%ds", start.resource))
				continue
			case t.job:
				t.update = updateRunning
			default:
				t.update = updateSucceeded
			}
			words = append(words, fmt.Sprint(start.resource))
		}
	}
}

func describeHolds(tasks []task, s settings) string {
	var words []string
	for i := range tasks {
		update, serve := holds(&tasks[i], measure(tasks, s), s)
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
		tasks[i] = task{job: true, update: updateQueued, unmet: i % 2}
	}
	for i := range 8 {
		tasks[i].update = updateRunning
	}
	s := settings{slots: 8}
	var starts []start
	for b.Loop() {
		starts = next(starts[:0], tasks, s)
		l := measure(tasks, s)
		for i := range tasks {
			holds(&tasks[i], l, s)
		}
	}
}
