// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"
	"github.com/xeipuuv/gojsonschema"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
)

// endings are reports of all ways in which a run can end.
func endings() map[string]*Report {
	code, missing := int32(3), int32(127)
	job := func(name string, state v1alpha1.TargetState) v1alpha1.Target {
		return target(name, v1alpha1.TargetTypeJob, state)
	}
	disabled := job("off:update", v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}})
	idle := job("idle:update", v1alpha1.TargetState{})
	running := job("job:update", v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(0)}})
	tiltfile := failed("tiltfile:update", time.Second, "Traceback:\n  /repo/app/Tiltfile:3:5: in <toplevel>\nError: no", nil, "")
	tiltfile.Resources = []string{model.TiltfileResource}
	unstarted := failed("gone:serve", time.Second, "no such file", nil, "")
	unstarted.State.Terminated.StartTime.Reset()
	signal := func(in *Input) { in.Signal, in.Error = "SIGINT", "ended by a signal" }
	failing := ended(session.TargetFailed, "broken",
		failed("a:update", 2*time.Second, "broken", &code, ""), failed("b:update", 2*time.Second, "broken", &missing, ""),
		failed("c:update", 2*time.Second, "broken", nil, "killed"), failed("d:runtime", 2*time.Second, "CrashLoopBackOff", nil, ""),
		unstarted, waiting("e:update", "waiting-for-dep", "a:update"), waiting("f:update", "after-failure"),
		active("ok:serve", 0), active("late:serve", -1), disabled, idle)
	keepGoing := ended(session.TargetFailed, "broken", failed("a:update", 2*time.Second, "broken", &code, ""), active("late:serve", -1))
	keepGoing.Spec.KeepGoing = true
	return map[string]*Report{
		"success":     reportOf(ended(session.Succeeded, "", succeeded("a:update", time.Second), active("b:serve", 0), disabled), 0),
		"failure":     reportOf(failing, 1),
		"keep going":  reportOf(keepGoing, 1),
		"timeout":     reportOf(ended(session.Timeout, "Timeout after 5s", running, active("s:serve", -1), waiting("w:update", "waiting-for-dep")), 3),
		"readiness":   reportOf(ended(session.ReadinessTimeout, "not ready", active("s:serve", -1), running), 3),
		"interrupted": reportOf(ended(session.Interrupted, "interrupted", running, waiting("w:update", "waiting-for-dep"), active("ok:serve", 0)), 130, signal),
		"up":          reportOf(ended(session.Undecided, "", failed("a:update", 0, "broken", &code, ""), active("b:serve", 0)), 0, signal),
		"tiltfile":    reportOf(ended(session.TiltfileFailed, tiltfile.State.Terminated.Error, tiltfile), 2),
		"no api":      reportOf(ended(session.Undecided, ""), 4, func(in *Input) { in.Error = "listen: address in use" }),
		"nothing ran": reportOf(ended(session.Undecided, ""), 0, signal),
	}
}

// TestJUnitOfEachEnding reads what another reader makes of the reports.
func TestJUnitOfEachEnding(t *testing.T) {
	want := map[string]string{
		"success": "a:update passed, b:serve passed, off:update skipped",
		"failure": "a:update failed ExitCode, b:update error Launch, c:update error Signal, d:runtime failed Failed, gone:serve error Launch, " +
			"e:update skipped, f:update skipped, ok:serve passed, late:serve skipped, off:update skipped, idle:update skipped",
		"keep going":  "a:update failed ExitCode, late:serve failed ReadinessTimeout",
		"timeout":     "job:update error Timeout, s:serve error Timeout, w:update error Timeout",
		"readiness":   "s:serve failed ReadinessTimeout, job:update error Interrupted",
		"interrupted": "job:update error Interrupted, w:update skipped, ok:serve passed",
		"up":          "a:update failed ExitCode, b:serve passed",
		"tiltfile":    "(Tiltfile) error Tiltfile",
		"no api":      "(run) error Error",
		"nothing ran": "",
	}
	for name, r := range endings() {
		suite := read(t, r)
		var got []string
		for _, c := range suite.Tests {
			text := c.Name + " " + string(c.Status)
			if problem := (junit.Error{}); errors.As(c.Error, &problem) && c.Status != junit.StatusSkipped {
				text += " " + problem.Type
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want[name], strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if r.ExitCode != 0 && suite.Totals.Failed+suite.Totals.Error == 0 {
			t.Errorf("%s looks green", name)
		}
	}
}

// read returns the suite of a report as a library reads it, and checks what that doesn't: the counts, and that each
// pair of class and name is there once.
func read(t *testing.T, r *Report) junit.Suite {
	t.Helper()
	content, err := JUnit(r)
	if err != nil {
		t.Fatal(err)
	}
	suites, err := junit.Ingest(content)
	if err != nil || len(suites) != 1 {
		t.Fatalf("%d suites, %v:\n%s", len(suites), err, content)
	}
	suite := suites[0]
	suite.Aggregate()
	for name, count := range map[string]int{"tests": suite.Totals.Tests, "failures": suite.Totals.Failed, "errors": suite.Totals.Error, "skipped": suite.Totals.Skipped} {
		if want := fmt.Sprintf(" %s=\"%d\"", name, count); strings.Count(string(content), want) < 2 {
			t.Errorf("no%s in both heads of\n%.600s", want, content)
		}
	}
	seen := map[string]bool{}
	for _, c := range suite.Tests {
		if key := c.Classname + "\x00" + c.Name; seen[key] || c.Classname == "" {
			t.Errorf("case %q twice, or without a class", key)
		} else {
			seen[key] = true
		}
	}
	return suite
}

// TestJUnitOfHostileOutput checks that any output is characters of XML 1.0, and readable.
func TestJUnitOfHostileOutput(t *testing.T) {
	code := int32(1)
	s := ended(session.TargetFailed, "broken", failed("a:update", time.Second, "broken <&> \x00", &code, ""))
	output := []string{"]]> <b>&amp;\"'", "\x1b[31mred\x1b[0m\x07", "bad \xff\xfe utf-8", "\uFFFE\uFFFF\U0001F600", "a\tb\x00\x0b"}
	r := reportOf(s, 1, func(in *Input) { in.Log = log{"a": output} })
	suite := read(t, r)
	want := "]]> <b>&amp;\"'\nred\nbad \uFFFD\uFFFD utf-8\n\uFFFD\uFFFD\U0001F600\na\tb\n"
	// The output is either part of the failure or, if it is long, by itself.
	if got := suite.Tests[0]; !strings.HasSuffix(got.Error.Error(), want) || got.SystemOut != "" {
		t.Errorf("got %q and %q, want %q", got.Error, got.SystemOut, want)
	}
	many := slices.Concat(slices.Repeat([]string{"before"}, tailLines), output)
	suite = read(t, reportOf(s, 1, func(in *Input) { in.Log = log{"a": many} }))
	if diff := cmp.Diff(strings.Repeat("before\n", tailLines)+want, suite.Tests[0].SystemOut); diff != "" {
		t.Error(diff)
	}
	content, _ := JUnit(r)
	for decoder := xml.NewDecoder(strings.NewReader(string(content))); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestJUnitOfMuchOutput checks that the end of a long log is kept, from the start of a line on.
func TestJUnitOfMuchOutput(t *testing.T) {
	code := int32(1)
	s := ended(session.TargetFailed, "broken", failed("a:update", time.Second, "broken", &code, ""))
	const count = 1_000_000
	lines := make([]string, count)
	for i := range lines {
		lines[i] = fmt.Sprintf("line %095d", i)
	}
	out := read(t, reportOf(s, 1, func(in *Input) { in.Log = log{"a": lines} })).Tests[0].SystemOut
	first, rest, _ := strings.Cut(out, "\n")
	kept := strings.Count(rest, "\n")
	if first != fmt.Sprintf("(first %d lines left out)", count-kept) || len(out) > badBytes+200 || len(out) < badBytes-200 ||
		!strings.HasPrefix(rest, "line 0") || !strings.HasSuffix(out, lines[count-1]+"\n") {
		t.Errorf("%d bytes, %d lines: %.100s", len(out), kept, out)
	}
}

// TestJSONOfEachEnding checks the reports against the published schema.
func TestJSONOfEachEnding(t *testing.T) {
	text, err := os.ReadFile("../../api/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range endings() {
		content, err := JSON(r)
		if err != nil {
			t.Fatal(err)
		}
		result, err := schema.Validate(gojsonschema.NewBytesLoader(content))
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range result.Errors() {
			t.Errorf("%s: %s", name, wrong)
		}
		var read jsonReport
		if err := json.Unmarshal(content, &read); err != nil || read.ExitCode != r.ExitCode || len(read.Failures) != len(r.Failures) {
			t.Errorf("%s: %v, %+v", name, err, read)
		}
	}
	if result, err := schema.Validate(gojsonschema.NewStringLoader(`{"kind": "Report"}`)); err != nil || result.Valid() {
		t.Errorf("the schema allows anything: %v", err)
	}
}
