// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
)

// told is a log whose lines are of levels, and some the run's own.
type told []logs.Line

func (l told) Tail(string, int) []logs.Line { return slices.Clone(l) }
func (l told) Written(string) uint64        { return uint64(len(l)) }

// TestALogOfAFailureOmitsWhatTheRunSays checks that the header and the error, which a report has besides, are left out.
func TestALogOfAFailureOmitsWhatTheRunSays(t *testing.T) {
	code := int32(3)
	log := told{
		{Seq: 1, Own: true}, {Seq: 2, Own: true, Text: "Initial Build"}, {Seq: 3, Own: true, Text: "Running cmd: x"},
		{Seq: 4, Text: "Initial Build"}, {Seq: 5, Level: logs.LevelWarn, Text: "Readiness probe failed"},
		{Seq: 6, Text: "exit status 3"}, {Seq: 7, Level: logs.LevelError, Text: "another error"},
		{Seq: 8, Level: logs.LevelError, Text: "Build Failed: Command"}, {Seq: 9, Level: logs.LevelError, Text: "failed: exit status 3", Continued: true},
	}
	for state, want := range map[string]int{"failed": 4, "running": len(log)} {
		target := failed("a:update", time.Second, "Command\nfailed: exit status 3", &code, "")
		if state == "running" {
			target.State = v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0)}}
		}
		r := reportOf(ended(session.TargetFailed, "broken", target), 1, func(in *Input) { in.Log = log })
		if got := r.Targets[0].Log; len(got) != want || want == 4 && !slices.Equal(got, log[3:7]) {
			t.Errorf("%s: got %v", state, got)
		}
	}
}
