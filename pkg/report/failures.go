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
)

// Tail returns the last lines of output of a resource.
type Tail func(resource string, lines int) []logs.Line

// Failures writes every target that has failed, in the order in which they did:
// how it ended, and its last lines of output. Of a Session that timed out, was ended by somebody, or
// has waited for all that could still go on, it writes those that were still
// running, not ready or about to be started again as well. Nothing is written when there are none.
func Failures(w io.Writer, s *v1alpha1.Session, tail Tail, lines int) error {
	var b strings.Builder
	for _, t := range session.Failures(s.Status) {
		fmt.Fprintf(&b, "\nFAILED %s%s: %s\n", t.Name, ending(t), t.State.Terminated.Error)
		writeTail(&b, t, tail, lines)
	}
	switch verdict := session.VerdictOf(s.Status); {
	case verdict == session.Undecided, verdict == session.Timeout, verdict == session.ReadinessTimeout, verdict == session.TargetFailed && session.KeepGoing(s):
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

// unfinished is how a target isn't finished that has begun, empty for others.
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

// writeTail writes the last lines of a target's resources that say something.
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
	// maxExcerpt is how many characters of a line are shown again.
	maxExcerpt = 300
	// maxRaw is how many bytes of a line are looked at for that.
	maxRaw = 8 * maxExcerpt
)

// escape is what changes a terminal's colours and the like.
var escape = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// excerpt is the beginning of a line, without what would change the terminal.
func excerpt(line string) string {
	cut := len(line) > maxRaw
	text := strings.ToValidUTF8(escape.ReplaceAllString(line[:min(len(line), maxRaw)], ""), "")
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, text))
	characters := []rune(text)
	if len(characters) > maxExcerpt {
		characters, cut = characters[:maxExcerpt], true
	}
	if cut {
		return string(characters) + "…"
	}
	return string(characters)
}

// ending is how a process ended, and after how many others, in parentheses.
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
