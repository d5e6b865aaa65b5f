// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }

// hostile is a text that would be more than a text if it weren't escaped.
const hostile = `</pre></details><script>document.title="pwned"</script><img src=x onerror=alert(1)>"'{{.}}` + "\x1b[31m\x00\xff"

func output(n int, of string) (all []logs.Line) {
	for i := range n {
		all = append(all, logs.Line{Text: fmt.Sprintf("%s %d", of, i)})
	}
	return all
}

// small is a run with a failure in which everything occurs.
func small() *report.Report {
	code := int32(1)
	r := &report.Report{
		Session: &v1alpha1.Session{}, Version: "v1.2.3", Tiltfile: "/src/Tiltfile", Verdict: session.TargetFailed,
		Error: "broken", ExitCode: 1, Start: at(0), End: at(52),
		Targets: []report.Target{
			{Name: "tiltfile:update", Type: "job", Tiltfile: true, Phase: session.PhaseSucceeded, State: "succeeded", Started: at(0), Finished: at(1)},
			{Name: "db:update", Type: "job", Phase: session.PhaseSucceeded, State: "succeeded", Queued: at(1), Started: at(1), Finished: at(10), Log: output(3, "migrated")},
			{Name: "db:serve", Type: "server", Phase: session.PhaseReady, State: "ready", Queued: at(1), Started: at(10), Ready: at(14), Needs: []string{"db:update"}},
			{Name: "catalog:update", Type: "job", Phase: session.PhaseSucceeded, State: "succeeded", Queued: at(1), Started: at(14), Finished: at(45), Needs: []string{"db:serve"}, Restarts: 2},
			{Name: "orders:serve", Type: "server", Phase: session.PhaseFailed, State: "failed", Queued: at(1), Started: at(45), Finished: at(51), Needs: []string{"catalog:update"},
				Error: "Process exited with code 1\n" + hostile, ExitCode: &code, Command: "./orders -v " + hostile, Directory: "/src/orders", Position: model.Position{File: "/src/Tiltfile", Line: 42},
				HeldBack: []string{"smoke:update"}, Log: append(output(300, "serving"), logs.Line{Text: hostile}), Missing: 7},
			{Name: "slow:update", Type: "job", Phase: session.PhaseActive, State: "running", Unfinished: true, Queued: at(1), Started: at(2)},
			{Name: "smoke:update", Type: "job", Phase: session.PhaseWaiting, State: "waiting", WaitReason: "waiting-for-dep", HeldBackBy: []string{"orders:serve"}, Queued: at(1)},
		},
		Chain: []report.Link{{Target: "db:update", Start: at(1), End: at(10)}, {Target: "db:serve", Start: at(10), End: at(14)},
			{Target: "catalog:update", Start: at(14), End: at(45)}, {Target: "orders:serve", Start: at(45), End: at(51)}},
		TiltfileLog: output(4, "Loading"),
	}
	r.Failures = []*report.Target{&r.Targets[4]}
	return r
}

// large is a run of so many targets. Each tenth succeeds, the others fail.
func large(targets int) *report.Report {
	r := &report.Report{Session: &v1alpha1.Session{}, Version: "v1.2.3", Tiltfile: "/src/Tiltfile", Error: "broken", ExitCode: 1, Start: at(0), End: at(300)}
	for i := range targets {
		t := report.Target{Name: fmt.Sprintf("resource-%04d:update", i), Type: "job", Phase: session.PhaseFailed, State: "failed", Queued: at(0),
			Started: at(float64(i) / 2), Finished: at(float64(i)/2 + 30), Error: strings.Repeat("Command failed: <exit status 1> ", 20),
			Command: strings.Repeat("run --with-a-flag & more; ", 10), Directory: "/src/somewhere", Log: output(2000, strings.Repeat(`<"output"> of a target `, 4))}
		if i%10 == 0 {
			t.Phase, t.State, t.Error = session.PhaseSucceeded, "succeeded", ""
		}
		if i > 0 {
			t.Needs = []string{fmt.Sprintf("resource-%04d:update", i/2)}
		}
		r.Targets = append(r.Targets, t)
	}
	for i := range r.Targets {
		if r.Targets[i].Error != "" {
			r.Failures = append(r.Failures, &r.Targets[i])
		}
	}
	return r
}

var pages = flag.String("pages", "", "a directory for the pages of the tests, to look at")

func written(t *testing.T, name string, r *report.Report) string {
	t.Helper()
	page, err := Encode(r, Environment{System: "linux/amd64", CPUs: 8, Go: "go1.25", Revision: "0123abc"})
	if err != nil {
		t.Fatal(err)
	}
	if *pages != "" {
		if err := os.WriteFile(filepath.Join(*pages, name+".html"), page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return string(page)
}

func TestPage(t *testing.T) {
	page := written(t, "small", small())
	_, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
}

func TestALargePage(t *testing.T) {
	for _, targets := range []int{50, 500} {
		page := written(t, fmt.Sprint(targets), large(targets))
		if len(page) > maxPage {
			t.Errorf("%d targets: %d bytes", targets, len(page))
		}
		t.Log(len(page))
	}
}
