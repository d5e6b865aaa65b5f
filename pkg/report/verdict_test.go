// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"

	"tilt.dev/session/pkg/session"
)

func TestVerdictLine(t *testing.T) {
	targets := []Target{
		{Name: "a:update", Phase: session.PhaseFailed}, {Name: "b:serve", Phase: session.PhaseActive, Unfinished: true}, {Name: "c:update"},
	}
	for want, r := range map[string]*Report{
		"SUCCESS. All workloads are healthy. It took 52s.": {Verdict: session.Succeeded},
		"ENDED after 52s.": {},
		"FAILED in 52s: 1 of 3 (a:update). Exit code 1.":                               {Verdict: session.TargetFailed, ExitCode: 1, Targets: targets, Failures: []*Target{&targets[0]}},
		"FAILED in 52s: late; 1 of 3 unfinished (b:serve). Exit code 3.":               {Verdict: session.Timeout, Error: "late", ExitCode: 3, Targets: targets},
		"FAILED in 52s: no port. Exit code 4.":                                         {Error: "no port", ExitCode: 4},
		"FAILED in 52s: not found. Exit code 2.":                                       {Error: "not found.", ExitCode: 2},
		"INTERRUPTED by SIGTERM after 52s. Exit code 143.":                             {Verdict: session.Interrupted, Signal: "SIGTERM", ExitCode: 143},
		"INTERRUPTED by SIGINT after 52s; 1 of 3 unfinished (b:serve). Exit code 130.": {Verdict: session.Interrupted, Signal: "SIGINT", ExitCode: 130, Targets: targets},
	} {
		r.Start, r.End = epoch, epoch.Add(52*time.Second)
		if got := r.VerdictLine(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestChainLine(t *testing.T) {
	r := &Report{Start: epoch, End: epoch.Add(52 * time.Second)}
	if got := r.ChainLine(); got != "" {
		t.Errorf("got %q", got)
	}
	r.Chain = []Link{{"a", epoch, epoch.Add(9 * time.Second)}, {"b", epoch.Add(9 * time.Second), epoch.Add(49 * time.Second)}}
	if got, want := r.ChainLine(), "longest chain 49s of 52s: a 9s → b 40s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
