// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

const (
	// maxRows is how many targets are listed. Of more targets, only those that aren't fine are listed.
	maxRows = 50
	// maxDetail is how many characters of an error are shown.
	maxDetail = 100
)

// Targets writes a row for each target of a Session. If there are very many, it
// leaves out those that are fine, and says how many.
func Targets(w io.Writer, s *v1alpha1.Session, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "TARGET\tTYPE\tSTATE\tTIME\tDETAIL")
	omitted := 0
	for _, t := range s.Status.Targets {
		row := describe(t, now)
		if again := restarts(t); again != "" {
			row.detail = strings.TrimPrefix(row.detail+", "+again, ", ")
			row.fine = false
		}
		if row.fine && len(s.Status.Targets) > maxRows {
			omitted++
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.Name, t.Type, row.state, row.time, row.detail)
	}
	err := table.Flush()
	if err == nil && omitted > 0 {
		_, err = fmt.Fprintf(w, "and %d more that are ready, succeeded or not requested\n", omitted)
	}
	if err != nil {
		return fmt.Errorf("write the table of targets: %w", err)
	}
	return nil
}

// row is one target in the table.
type row struct {
	state, time, detail string
	fine                bool
}

func describe(t v1alpha1.Target, now time.Time) row {
	switch state := t.State; {
	case state.Disabled != nil:
		return row{state: "disabled", fine: true}
	case state.Waiting != nil:
		return row{state: "waiting", detail: state.Waiting.WaitReason}
	case state.Active != nil && state.Active.Ready:
		took := between(state.Active.StartTime.Time, state.Active.LastReadyTime.Time)
		return row{state: "ready", time: took, fine: true}
	case state.Active != nil:
		return row{state: activeWord(t.Type), time: between(state.Active.StartTime.Time, now)}
	case state.Terminated != nil:
		took := between(state.Terminated.StartTime.Time, state.Terminated.FinishTime.Time)
		if state.Terminated.Error == "" {
			return row{state: "succeeded", time: took, fine: true}
		}
		detail := text.Cut(text.ErrorLine(state.Terminated.Error), maxDetail)
		return row{state: "failed", time: took, detail: detail}
	default:
		return row{state: "not requested", fine: true}
	}
}

// restarts says how often a target was started again after failures. It is empty if it never was.
func restarts(t v1alpha1.Target) string {
	verb := "restarted"
	if t.Type == v1alpha1.TargetTypeJob {
		verb = "retried"
	}
	switch t.RestartCount {
	case 0:
		return ""
	case 1:
		return verb + " once"
	default:
		return fmt.Sprintf("%s %d times", verb, t.RestartCount)
	}
}

func activeWord(t v1alpha1.TargetType) string {
	if t == v1alpha1.TargetTypeJob {
		return "running"
	}
	return "not ready"
}

// between is a rounded duration, empty if one of its ends is unknown.
func between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return ""
	}
	d := to.Sub(from)
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// Tail returns the last lines of output of a resource.
type Tail func(resource string, lines int) []logs.Line

// Failures writes every failed target, in the order of the failures: how it ended, and its last lines of output. If
// the Session timed out, was stopped, or kept going after a failure, Failures also writes the targets that were
// still running, not ready, or waiting for another start. Without any it writes nothing.
func Failures(w io.Writer, s *v1alpha1.Session, tail Tail, lines int) error {
	var b strings.Builder
	for _, t := range session.Failures(s.Status) {
		fmt.Fprintf(&b, "\nFAILED %s%s: %s\n", t.Name, ending(t), t.State.Terminated.Error)
		writeTail(&b, t, tail, lines)
	}
	switch verdict := session.VerdictOf(s.Status); {
	case verdict == session.Undecided, verdict == session.Interrupted,
		verdict == session.Timeout, verdict == session.ReadinessTimeout,
		verdict == session.TargetFailed && s.Spec.KeepGoing:
		for _, t := range s.Status.Targets {
			if word := unfinished(t); word != "" {
				fmt.Fprintf(&b, "\nUNFINISHED %s (%s)\n", t.Name, word)
				writeTail(&b, t, tail, lines)
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the failures: %w", err)
	}
	return nil
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

// writeTail writes those of the last lines of a target's resources that aren't blank.
func writeTail(b *strings.Builder, t v1alpha1.Target, tail Tail, lines int) {
	for _, source := range session.LogSources(t) {
		for _, line := range tail(source, lines) {
			if text := excerpt(line.Text); text != "" {
				fmt.Fprintf(b, "  | %s\n", text)
			}
		}
	}
}

const (
	// maxExcerpt is how many characters of a line are shown.
	maxExcerpt = 300
	// maxRaw is how many bytes of a line are examined for its excerpt.
	maxRaw = 8 * maxExcerpt
)

// escape matches sequences that change a terminal's colors or cursor.
var escape = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// excerpt is the beginning of a line, without what would change the terminal.
func excerpt(line string) string {
	if len(line) > maxRaw {
		line = line[:maxRaw] + "…"
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(escape.ReplaceAllString(line, ""), ""))
	return text.Cut(strings.TrimSpace(plain), maxExcerpt)
}

// ending is how a process ended, and after how many restarts, in parentheses.
func ending(t v1alpha1.Target) string {
	var parts []string
	switch end := t.State.Terminated; {
	case end.ExitCode != nil:
		parts = append(parts, fmt.Sprintf("exit code %d", *end.ExitCode))
	case end.Signal != "":
		parts = append(parts, "signal: "+end.Signal)
	}
	if again := restarts(t); again != "" {
		parts = append(parts, again)
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
