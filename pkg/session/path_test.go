// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"strings"
	"testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// timed adds the times of targets to a status, from lines such as "a:update 1 2 3 4 5" with the seconds at which each
// was queued, allowed, started, ready and finished, and "-" for never.
func timed(status *v1alpha1.SessionStatus, lines string) *v1alpha1.SessionStatus {
	for _, line := range strings.Split(lines, "|") {
		words := strings.Fields(line)
		var at [5]float64
		for i, word := range words[1:] {
			_, _ = fmt.Sscan(word, &at[i]) // "-" stays 0.
		}
		i, _ := find(status, words[0])
		status.Targets[i].Times = times(sec(at[0]), sec(at[1]), sec(at[2]), sec(at[3]), sec(at[4]))
	}
	return status
}

// pathNeeds are what targets of pathCases depend on.
var pathNeeds = map[string][]string{
	"web:update": {"api:serve", "db:update"}, "api:serve": {"api:update"}, "api:update": {"db:update"},
}

// pathCase is a status, and its critical path.
type pathCase struct {
	lines       []string
	times, want string
	// alone is true for a path that is found without pathNeeds.
	alone, done bool
}

func pathCases() map[string]pathCase {
	whole := []string{"tiltfile:update succeeded 2", "db:update succeeded 10", "api:update succeeded 12", "api:serve ready 3",
		"web:update succeeded 30", "docs:update succeeded 14"}
	times := "tiltfile:update 1 1 1 2 2|db:update 2 2 2 10 10|api:update 2 10 10 12 12|api:serve 2 12 12.5 20 -|" +
		"web:update 2 20 21 30 30|docs:update 2 2 11 14 14"
	return map[string]pathCase{
		"whole": {lines: whole, times: times, want: "tiltfile:update 1-1-2, db:update 2-2-10, api:update 10-10-12, " +
			"api:serve 12-12.5-20, web:update 20-21-30"},
		"from times alone": {lines: whole, times: times, alone: true, want: "tiltfile:update 1-1-2, db:update 2-2-10, " +
			"api:update 10-10-12, api:serve 12-12.5-20, web:update 20-21-30"},
		"nothing has begun": {lines: []string{"a:update waiting-for-dep"}, times: "a:update 1 - - - -"},
		"what goes on": {lines: []string{"a:update succeeded", "a:serve active", "b:update active", "c:update waiting-for-dep"},
			times: "a:update 1 1 1 4 4|a:serve 1 4 4 - -|b:update 1 1 9 - -|c:update 1 - - - -", alone: true,
			want: "a:update 1-1-4, a:serve 4-4-99"},
		"a failure that ended it": {lines: []string{"a:update failed 5", "b:update active", "c:update failed 6"}, done: true,
			times: "a:update 1 1 1 - 5|b:update 1 1 1 - -|c:update 1 1 1 - 6", want: "a:update 1-1-5"},
		"a failure while others go on": {lines: []string{"a:update failed 5", "b:update active"},
			times: "a:update 1 1 1 - 5|b:update 1 1 1 - -", want: "b:update 1-1-99"},
		"a server that was ready": {lines: []string{"a:serve failed 9"}, times: "a:serve 1 1 2 3 9", done: true,
			want: "a:serve 1-2-9"},
		"a turn": {lines: []string{"a:update succeeded", "b:update succeeded", "c:update succeeded"}, alone: true,
			times: "a:update 1 1 1 5 5|b:update 1 1 5 9 9|c:update 1 1 9 12 12", want: "a:update 1-1-5, b:update 5-5-9, c:update 9-9-12"},
		"a change much later": {lines: []string{"a:update succeeded", "b:update succeeded"}, alone: true,
			times: "a:update 1 1 1 5 5|b:update 50 50 51 60 60", want: "b:update 50-51-60"},
		"a dependency that has run again": {lines: []string{"api:serve ready", "db:update succeeded", "web:update succeeded"},
			times: "api:serve 2 2 3 4 -|db:update 30 30 30 31 31|web:update 2 4 5 40 40", want: "api:serve 2-3-4, web:update 4-5-40"},
		"a circle": {lines: []string{"a:update succeeded", "b:update succeeded"}, alone: true,
			times: "a:update 3 3 3 3 3|b:update 3 3 3 3 3", want: "b:update 3-3-3, a:update 3-3-3"},
	}
}

func TestCriticalPath(t *testing.T) {
	for name, c := range pathCases() {
		edges := func(target string) []string { return pathNeeds[target] }
		if c.alone {
			edges = nil
		}
		status := timed(statusOf(c.lines...), c.times)
		status.Done = c.done
		var words []string
		for _, s := range CriticalPath(status, edges, sec(99)) {
			words = append(words, fmt.Sprintf("%s %v-%v-%v", s.Target.Name, s.From.Sub(start).Seconds(),
				s.Start.Sub(start).Seconds(), s.To.Sub(start).Seconds()))
		}
		if got := strings.Join(words, ", "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}
