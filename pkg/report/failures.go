// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

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
	case phase == session.PhaseWaiting && t.RestartCount > 0:
		return t.State.Waiting.WaitReason
	default:
		return ""
	}
}

// writeTail writes those of the last lines of a target's resources that aren't blank.
func writeTail(b *strings.Builder, t v1alpha1.Target, tail Tail, lines int) {
	for _, resource := range t.Resources {
		for _, line := range tail(resource, lines) {
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
