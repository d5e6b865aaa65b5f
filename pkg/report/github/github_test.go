// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// hostileLines are lines of targets that would be commands.
var hostileLines = []string{
	"::error::x", "  ::add-mask::x", "::stop-commands::pause", "::pause::", "::00000000000000000000000000000000::",
	"##[add-mask]x", "text ##[error]x", "##[endgroup]", "::endgroup::", "::group::mine", "::set-output name=a::b",
}

// failed is a run with so many failed targets, the last one first in time.
func failed(targets int, lines ...string) *report.Report {
	r := &report.Report{Session: &v1alpha1.Session{}, Verdict: session.TargetFailed, Error: "broken", ExitCode: 1,
		Start: epoch, End: epoch.Add(time.Hour)}
	for i := range targets {
		t := report.Target{
			Name: fmt.Sprintf("t%03d|*`x`:update", i), Type: "job", Phase: session.PhaseFailed, State: "failed",
			Error: fmt.Sprintf("Command %d failed:\r\nwith <b>100%%</b> | more", i), Command: "run `it`", Directory: "/ws/dir",
			Position: model.Position{File: "/ws/a,b:c/Tiltfile", Line: i + 1}, Started: epoch, Finished: epoch.Add(time.Minute),
		}
		for _, line := range lines {
			t.Log = append(t.Log, logs.Line{Text: line})
		}
		r.Targets = append(r.Targets, t)
	}
	for i := range r.Targets {
		r.Failures = append(r.Failures, &r.Targets[targets-1-i])
	}
	return r
}

func annotated(t *testing.T, r *report.Report, workspace string) *step {
	t.Helper()
	var b bytes.Buffer
	o := NewOutput(&b)
	fmt.Fprint(o, "no end of a line")
	if err := Annotate(o, r, workspace); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	return parse(b.String())
}

func TestFifteenFailuresAreTenAnnotations(t *testing.T) {
	got := annotated(t, failed(15, hostileLines...), "/ws")
	if len(got.errors) != 10 || len(got.warnings) != 0 || len(got.others) != 0 || got.token != "" {
		t.Fatalf("got %+v", got)
	}
	first := got.errors[0]
	want := map[string]string{"file": "a,b:c/Tiltfile", "line": "15", "title": "t014|*`x`:update failed"}
	if diff := cmp.Diff(want, first.properties); diff != "" {
		t.Error(diff)
	}
	if want := "Command 14 failed:\nwith <b>100%</b> | more\n" + strings.Join(hostileLines, "\n"); first.message != want {
		t.Errorf("got %q, want %q", first.message, want)
	}
	if last := got.errors[9].message; last != "and 6 more: see the summary of the job" {
		t.Errorf("got %q", last)
	}
}

func TestAPositionOutsideOfTheWorkspaceIsLeftOut(t *testing.T) {
	for _, workspace := range []string{"", "/other", "/w", "/ws/a,b:c/deeper"} {
		if got := annotated(t, failed(1), workspace).errors[0].properties; got["file"] != "" || got["line"] != "" {
			t.Errorf("%s: %v", workspace, got)
		}
	}
}

func TestALongMessageKeepsTheLastLines(t *testing.T) {
	r := failed(1)
	for i := range 1000 {
		r.Targets[0].Log = append(r.Targets[0].Log, logs.Line{Text: fmt.Sprintf("\x1b[31mline %d", i)})
	}
	got := annotated(t, r, "").errors[0].message
	if len(got) > maxMessage || len(got) < maxMessage-20 || !strings.HasSuffix(got, "\nline 999") ||
		!strings.HasPrefix(got, "Command 0 failed:") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// A run that is red without a failed target has an error, and one that had to try again has warnings.
func TestOtherAnnotations(t *testing.T) {
	r := &report.Report{Session: &v1alpha1.Session{}, Error: "serve the API: port in use", ExitCode: 4}
	for i := range 12 {
		r.Targets = append(r.Targets, report.Target{Name: fmt.Sprint(i), Phase: session.PhaseSucceeded, Restarts: 1})
	}
	got := annotated(t, r, "")
	if len(got.errors) != 1 || got.errors[0].message != r.Error || len(got.warnings) != 10 ||
		!strings.HasPrefix(got.warnings[9].message, "and 3 more") {
		t.Errorf("got %+v", got)
	}
	r.Targets = []report.Target{{Name: "slow:serve", State: "not ready", Phase: session.PhaseActive, Unfinished: true}}
	got = annotated(t, r, "")
	if len(got.errors) != 1 || got.errors[0].properties["title"] != "slow:serve was not ready" {
		t.Errorf("got %+v", got)
	}
	if got := annotated(t, &report.Report{}, ""); len(got.errors)+len(got.warnings) > 0 {
		t.Errorf("got %+v", got)
	}
}

// What targets write is text for GitHub, in groups and between them, and each token is used once.
func TestOutputIsNoCommand(t *testing.T) {
	var b bytes.Buffer
	o := NewOutput(&b)
	for i := range 3 {
		title := fmt.Sprintf("✓ job %d: 100%%\n::error::y", i)
		errs := []error{o.Fold(title, "", epoch)}
		_, err := fmt.Fprintln(o, strings.Join(hostileLines, "\n"))
		errs = append(errs, err, o.Unfold(epoch))
		if i == 1 {
			_, err = fmt.Fprintln(o, strings.Join(hostileLines, "\n"))
			// A target that has read the log knows the tokens so far.
			for _, token := range parse(b.String()).tokens[:i] {
				fmt.Fprintf(o, "::%s::\n::error::x\n", token)
			}
		}
		if err := cmpErrors(append(errs, err)); err != nil {
			t.Fatal(err)
		}
		if got := parse(b.String()); !slices.Equal(got.groups[title], hostileLines) {
			t.Errorf("group %d has %q", i, got.groups[title])
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	got := parse(b.String() + "::error::of the next program\n")
	if len(got.errors) != 1 || len(got.warnings) != 0 || len(got.others) != 0 || !slices.Equal(got.plain[:len(hostileLines)], hostileLines) {
		t.Errorf("got %+v", got)
	}
	slices.Sort(got.tokens)
	if len(slices.Compact(got.tokens)) != len(got.tokens) || len(got.tokens[0]) != 32 {
		t.Errorf("tokens %q", got.tokens)
	}
}

func cmpErrors(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkMarkdown checks that tables have the columns of their heads and that fences and details end.
func checkMarkdown(t *testing.T, s string) (rows int) {
	t.Helper()
	columns, fence, details := 0, "", 0
	for line := range strings.SplitSeq(s, "\n") {
		switch ticks := strings.TrimRight(line, "abcdefghijklmnopqrstuvwxyz"); {
		case fence != "":
			if line == fence {
				fence = ""
			}
		case strings.HasPrefix(line, "```"):
			fence = ticks
		case strings.HasPrefix(line, "<details>"):
			details++
		case line == "</details>":
			details--
		case strings.HasPrefix(line, "|"):
			n := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, ""), "|")
			if columns != 0 && n != columns {
				t.Errorf("%d columns instead of %d in %s", n, columns, line)
			}
			columns = n
			rows++
		default:
			columns = 0
		}
	}
	if fence != "" || details != 0 || !utf8.ValidString(s) {
		t.Errorf("fence %q, %d details without an end, valid: %t", fence, details, utf8.ValidString(s))
	}
	return rows
}

func TestSummaryOfManyFailures(t *testing.T) {
	lines := append([]string{"````", "</details>", "| x |", "\x1b[31mred\xff", strings.Repeat("ä", 5000)}, hostileLines...)
	for _, test := range []struct{ targets, rows int }{{1, 3}, {15, 17}, {500, 502}, {5000, 0}} {
		s := Summary(failed(test.targets, lines...))
		rows := checkMarkdown(t, s)
		if len(s) > maxSummary || test.rows > 0 && rows != test.rows {
			t.Errorf("%d targets: %d bytes, %d rows", test.targets, len(s), rows)
		}
		if test.targets < 100 && (!strings.Contains(s, "`````text") || !strings.Contains(s, "::error::x")) {
			t.Errorf("%d targets: no output in\n%s", test.targets, s)
		}
	}
}

func TestSummaryOfASuccess(t *testing.T) {
	r := &report.Report{Session: &v1alpha1.Session{}, Verdict: session.Succeeded, Start: epoch, End: epoch.Add(time.Minute)}
	for i := range 2 {
		r.Targets = append(r.Targets, report.Target{
			Name: fmt.Sprintf("end:%d#;", i), Type: "job", Phase: session.PhaseSucceeded, State: "succeeded",
			Queued: epoch, Started: epoch.Add(time.Second), Finished: epoch.Add(time.Duration(i+2) * time.Second),
		})
	}
	r.Chain = []report.Link{{Target: "end:1#;", Start: epoch, End: r.End}}
	s := Summary(r)
	checkMarkdown(t, s)
	for _, want := range []string{"✅", `| end:0\#; | job | succeeded | 1s | 1s |  |`,
		"```mermaid\ngantt\n  dateFormat x\n  axisFormat %M:%S\n  • end 0 :done, 1000, 2000\n  • end 1 :crit, 1000, 3000\n```\n"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	for len(r.Targets) <= maxGantt {
		r.Targets = append(r.Targets, r.Targets[0])
	}
	if strings.Contains(Summary(r), "mermaid") {
		t.Error("a chart of too many targets")
	}
}

func TestSummaryIsAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	if err := os.WriteFile(path, []byte("# Mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := failed(1)
	if err := AppendSummary(path, r); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "# Mine"+Summary(r) || !strings.HasPrefix(Summary(r), "\n") {
		t.Errorf("%v: %s", err, got)
	}
	if err := AppendSummary(t.TempDir(), r); err == nil || !strings.Contains(err.Error(), "append the summary of the job: open ") {
		t.Errorf("got %v", err)
	}
}

func TestHarmless(t *testing.T) {
	text := "error: a::b\n" + strings.Join(hostileLines, "\n")
	for _, end := range []string{"\n", "\r\n", "\r"} {
		got := Harmless(strings.ReplaceAll(text, "\n", end))
		if read := parse(got); len(read.plain) != len(hostileLines)+1 || !strings.HasPrefix(got, "error: a::b\n: :error::x\n  : :add-mask") {
			t.Errorf("got %q", got)
		}
	}
}
