// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package html

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
		Session: &v1alpha1.Session{Spec: v1alpha1.SessionSpec{KeepGoing: true}}, Version: "v1.2.3", Tiltfile: "/src/Tiltfile", Verdict: session.TargetFailed,
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

// elements calls f with each element of a page, its attributes, and the text in it.
func elements(t *testing.T, page string, f func(name string, attributes map[string]string, text string)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		attributes, text := map[string]string{}, strings.Builder{}
		for _, a := range n.Attr {
			attributes[a.Key] = a.Val
		}
		for inner := range n.Descendants() {
			if inner.Type == html.TextNode {
				text.WriteString(inner.Data)
			}
		}
		f(n.Data, attributes, text.String())
	}
}

// Nothing in a page can run, load or send anything but its own script and style.
func TestPageIsSafe(t *testing.T) {
	page := written(t, "small", small())
	count, policy := map[string]int{}, ""
	elements(t, page, func(name string, attributes map[string]string, text string) {
		count[name]++
		if attributes["http-equiv"] == "Content-Security-Policy" {
			policy = attributes["content"]
		}
		if (name == "style" || name == "script") && !strings.Contains(policy, fmt.Sprintf("%s-src '%s'", name, hash(text))) {
			t.Errorf("the policy %s doesn't allow the %s", policy, name)
		}
		for key := range attributes {
			if strings.HasPrefix(key, "on") || key == "style" || key == "src" || key == "href" {
				t.Errorf("%s has the attribute %s", name, key)
			}
		}
	})
	if count["style"] != 1 || count["script"] != 1 || count["img"]+count["link"]+count["a"] != 0 ||
		!strings.HasPrefix(policy, "default-src 'none'; ") {
		t.Errorf("elements %v, policy %s", count, policy)
	}
}

func TestPageSaysAll(t *testing.T) {
	var articles, logs, rows, bars, links []string
	edges := 0
	all := ""
	elements(t, written(t, "small", small()), func(name string, attributes map[string]string, text string) {
		switch {
		case name == "html":
			all = text
		case name == "article":
			articles = append(articles, strings.Split(text, "\n")[0])
		case name == "pre":
			logs = append(logs, text)
		case name == "tr":
			rows = append(rows, text)
		case name == "g":
			bars = append(bars, text)
		case name == "line" && strings.HasPrefix(attributes["class"], "dep"):
			edges++
		case name == "li" && attributes["class"] == "chain":
			links = append(links, text)
		}
	})
	if want := []string{"1. orders:serve failed after 6s", "2. slow:update was running for 50s"}; !slices.Equal(articles, want) {
		t.Errorf("failures %q", articles)
	}
	if want := `</pre></details><script>document.title="pwned"</script><img src=x onerror=alert(1)>"'{{.}}` + "\uFFFD\n"; len(logs) != 3 ||
		!strings.HasPrefix(logs[0], "(108 earlier lines are left out)\nserving 101\n") || !strings.HasSuffix(logs[0], want) {
		t.Errorf("logs %q", logs)
	}
	if len(rows) != 8 || rows[5] != "orders:serveserver✗ failed44s6sProcess exited with code 1" {
		t.Errorf("rows %q", rows)
	}
	if len(bars) != 6 || bars[1] != "db:update: succeeded, took 9s" || edges != 6 || len(links) != 4 {
		t.Errorf("bars %q, %d edges, links %q", bars, edges, links)
	}
	for _, want := range []string{"FAILED in 52s: 1 of 7 (orders:serve). Exit code 1.", "/src/Tiltfile:42", "held backsmoke:update",
		"longest chain 50s of 52s: db:update 9s → db:serve 4s → catalog:update 31s → orders:serve 6s", "git revision0123abc",
		"processors8", "linux/amd64", "v1.2.3", "Loading 3"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in %s", want, all)
		}
	}
}

// A run that never began has a page with its error.
func TestPageWithoutTargets(t *testing.T) {
	r := &report.Report{Session: &v1alpha1.Session{}, Error: "Traceback\n<broken>", ExitCode: 2, Start: at(0), End: at(0)}
	errors := 0
	elements(t, written(t, "none", r), func(name string, attributes map[string]string, text string) {
		if attributes["id"] == "error" && strings.Contains(text, "<broken>") {
			errors++
		}
		if name == "svg" || name == "table" || name == "article" {
			t.Errorf("there is a %s", name)
		}
	})
	if errors != 1 {
		t.Errorf("%d errors", errors)
	}
}

func TestALargePage(t *testing.T) {
	page := written(t, "large", large(500))
	counts := map[string]int{}
	elements(t, page, func(name string, _ map[string]string, _ string) { counts[name]++ })
	if len(page) > maxPage || counts["article"] != 450 || counts["tr"] != 501 || counts["g"] != 500 || counts["details"] < 450 {
		t.Errorf("%d bytes, %v", len(page), counts)
	}
}

func TestTicks(t *testing.T) {
	for took, want := range map[time.Duration]string{
		50 * time.Millisecond: "0s 10ms 20ms 30ms 40ms 50ms", 52 * time.Second: "0s 10s 20s 30s 40s 50s",
		90 * time.Second: "0s 30s 1m0s 1m30s", 30 * time.Hour: "0s 8h0m0s 16h0m0s 24h0m0s",
	} {
		var labels []string
		for _, tick := range ticks(took) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("%v: %s, want %s", took, got, want)
		}
	}
}
