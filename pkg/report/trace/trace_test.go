// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

func at(seconds float64) time.Time {
	return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// spans reads a trace as its readers do: the names of threads, and complete events with their times in seconds.
func spans(t *testing.T, trace []byte) (all []string) {
	t.Helper()
	var read struct {
		TraceEvents []struct {
			Name, Cat, Ph string
			Ts, Dur       float64
			Pid, Tid      *int
			Args          map[string]any
		}
	}
	if err := json.Unmarshal(trace, &read); err != nil {
		t.Fatal(err)
	}
	threads := map[int]any{}
	for _, e := range read.TraceEvents {
		switch {
		case e.Pid == nil || e.Tid == nil:
			t.Errorf("no process or thread in %+v", e)
		case e.Ph == "M" && e.Name == "thread_name":
			threads[*e.Tid] = e.Args["name"]
		case e.Ph == "X":
			all = append(all, fmt.Sprintf("%v|%s|%s|%g+%g", threads[*e.Tid], e.Name, e.Cat, e.Ts/1e6, e.Dur/1e6))
		}
	}
	return all
}

func TestTrace(t *testing.T) {
	code := 1
	r := &report.Report{Tiltfile: "/src/Tiltfile", Start: at(0), End: at(20), Chain: []report.Link{{Target: "a:update", Start: at(1), End: at(9)}},
		Targets: []report.Target{
			{Name: "b:serve", Queued: at(1), Allowed: at(9), Started: at(10), Ready: at(12), Phase: session.PhaseReady},
			{Name: "a:update", Queued: at(5), Started: at(6), Finished: at(9), History: &engine.History{Ended: []*engine.Build{
				{Queued: at(5), Allowed: at(5), Start: at(6), Finish: at(9), Reason: engine.BuildRetry},
				{Queued: at(0.5), Allowed: at(1), Start: at(1), Finish: at(4), Reason: engine.BuildInitial, Error: "broken", Code: &code},
			}}},
			{Name: "waits:update", Queued: at(15)},
			{Name: "failed:serve", Started: at(2), Finished: at(3), Error: "\x1b[31mbroken"},
			{Name: "never:update"},
		}}
	trace, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `longest chain|a:update|chain|1+8
b:serve|waiting for dependencies|waiting|1+8
b:serve|waiting for its turn|waiting|9+1
b:serve|b:serve starting|running|10+2
b:serve|b:serve ready|ready|12+8
failed:serve|failed:serve|running|2+1
a:update|waiting for dependencies|waiting|0.5+0.5
a:update|a:update|running|1+3
a:update|waiting for its turn|waiting|5+1
a:update|a:update|running|6+3
waits:update|waiting for dependencies|waiting|15+5`
	if diff := cmp.Diff(strings.Split(want, "\n"), spans(t, trace)); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{`"exitCode":1`, `"error":"broken"`, `"reason":"retry"`} {
		if !strings.Contains(string(trace), want) {
			t.Errorf("no %s in %s", want, trace)
		}
	}
}
