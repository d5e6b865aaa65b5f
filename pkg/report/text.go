// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

const (
	// tailLines is how many of the last lines of a failed target are shown.
	tailLines = 20
	// maxExplained is how many failed targets are shown with their last lines. Of the others only the first line is.
	maxExplained = 25
	// maxErrorLines and maxCommandLines are how many lines of an error and of a command are shown.
	maxErrorLines, maxCommandLines = 20, 5
	// shortRun is for how long a run may take without a word on its longest chain.
	shortRun = 10 * time.Second
)

// Text writes what a person wants to know at the end: a table of the targets, the failures in the order of time, the
// longest chain of a long ci, where the other reports are, and in the last line the verdict. Of an error of the
// Tiltfile, which the command prints, it writes the verdict alone.
func Text(w io.Writer, r *Report, written []string) error { return r.text(w, written, true) }

// Brief writes what Text does without the table.
func Brief(w io.Writer, r *Report, written []string) error { return r.text(w, written, false) }

func (r *Report) text(w io.Writer, written []string, table bool) error {
	var b strings.Builder
	if r.Verdict != session.TiltfileFailed {
		if table {
			b.WriteString("\n")
			r.writeTable(&b)
		}
		r.writeFailures(&b)
		if line := r.ChainLine(); line != "" && r.Took() > shortRun &&
			r.Session.Spec.ExitCondition == v1alpha1.ExitConditionCI {
			fmt.Fprintf(&b, "\n%s\n", line)
		}
	}
	b.WriteString("\n")
	for _, path := range written {
		fmt.Fprintf(&b, "Report: %s\n", path)
	}
	b.WriteString(r.VerdictLine() + "\n")
	all := b.String()
	if !table {
		all = strings.TrimLeft(all, "\n")
	}
	if _, err := io.WriteString(w, all); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// reason is why a run isn't a success.
func (r *Report) reason() string {
	if r.Error == "" {
		return fmt.Sprintf("the run ended with exit code %d", r.ExitCode)
	}
	return r.Error
}

// kind is the cause of a run that isn't a success, in a word.
func (r *Report) kind() string {
	switch {
	case r.Verdict != session.Undecided:
		return string(r.Verdict)
	case r.Signal != "":
		return string(session.Interrupted)
	}
	return "Error"
}

// Wrong are the targets because of which the run isn't a success: the failed ones in the order of time. If there is
// another reason, they are followed by those that were still running, not ready, or waiting for another start.
func (r *Report) Wrong() []*Target {
	wrong := slices.Clone(r.Failures)
	if !r.Green() && (r.Verdict != session.TargetFailed || r.Session.Spec.KeepGoing) {
		for i := range r.Targets {
			if t := &r.Targets[i]; t.Unfinished && !t.Late {
				wrong = append(wrong, &r.Targets[i])
			}
		}
	}
	return wrong
}

// writeFailures writes how each target that is wrong has ended.
func (r *Report) writeFailures(b *strings.Builder) {
	for i, t := range r.Wrong() {
		after := ""
		if ran := r.Ran(t); ran > 0 {
			after = " after " + view.Duration(ran)
		}
		if t.Error == "" {
			fmt.Fprintf(b, "\n%d) %s unfinished%s: %s\n", i+1, t.Name, after, t.status())
		} else {
			fmt.Fprintf(b, "\n%d) %s failed%s: %s\n", i+1, t.Name, after, t.Ending())
		}
		if i >= maxExplained {
			continue
		}
		for _, detail := range r.details(t) {
			fmt.Fprintf(b, "   %s\n", detail)
		}
		for _, line := range t.Tail(tailLines) {
			fmt.Fprintf(b, "   | %s\n", line)
		}
		if len(t.HeldBack) > 0 {
			fmt.Fprintf(b, "   held back: %s\n", some(t.HeldBack))
		}
	}
}

// details are what is known of a failed or unfinished target besides its output: the error as far as Ending doesn't
// tell it, the command, where it ran, and where it is defined.
func (r *Report) details(t *Target) []string {
	var details []string
	told := !strings.Contains(strings.TrimSpace(t.Error), "\n")
	if t.ExitCode != nil || t.Signal != "" {
		told = strings.HasSuffix(t.Error, "failed: "+exitText(t))
	}
	if !told {
		details = firstLines(t.Error, maxErrorLines)
	}
	name := "command: "
	for _, line := range firstLines(t.Command, maxCommandLines) {
		details = append(details, name+line)
		name = "  "
	}
	for _, d := range []struct{ name, value string }{{"directory", t.Directory}, {"defined at", r.Where(t)}} {
		if d.value != "" {
			details = append(details, d.name+": "+text.Cut(text.Plain(d.value), maxError))
		}
	}
	return details
}

// firstLines are at most so many lines of a text, each cut to what fits into a line, and how many there are more.
func firstLines(s string, most int) (first []string) {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	lines := strings.Split(s, "\n")
	for _, line := range lines[:min(most, len(lines))] {
		first = append(first, text.Cut(strings.TrimRight(text.Printable(line), " \t"), maxError))
	}
	if more := len(lines) - most; more > 0 {
		first = append(first, fmt.Sprintf("… and %d more", more))
	}
	return first
}

// exitText is how the error of a command ends that says nothing but how its process has.
func exitText(t *Target) string {
	if limit := t.timeLimit(); limit != "" {
		return limit
	}
	if t.ExitCode != nil {
		return fmt.Sprintf("exit status %d", *t.ExitCode)
	}
	return "signal: " + t.Signal
}

// Where is the position of a target as a person reads it: relative to Root if it is below that.
func (r *Report) Where(t *Target) string {
	p := t.Position
	p.File = r.Relative(p.File)
	return p.String()
}

// Tail returns the last lines of output that aren't blank, at most so many, each cut to what fits into a line.
func (t *Target) Tail(lines int) (tail []string) {
	for i := len(t.Log) - 1; i >= 0 && len(tail) < lines; i-- {
		if line := strings.TrimRight(text.Printable(t.Log[i].Text), " \t"); line != "" {
			tail = append(tail, text.Cut(line, maxError))
		}
	}
	slices.Reverse(tail)
	return tail
}

// unfinished is the state of a target that started and didn't finish, empty for others.
func unfinished(t v1alpha1.Target) string {
	switch phase := session.PhaseOf(t.State); {
	case phase == session.PhaseActive:
		return activeWord(t.Type)
	case phase == session.PhaseWaiting && (t.RestartCount > 0 || !engine.IsHold(t.State.Waiting.WaitReason)):
		return t.State.Waiting.WaitReason
	default:
		return ""
	}
}

func activeWord(t v1alpha1.TargetType) string {
	if t == v1alpha1.TargetTypeJob {
		return "running"
	}
	return "not ready"
}

func firstLine(s string) string { return text.Plain(text.ErrorLine(s)) }
