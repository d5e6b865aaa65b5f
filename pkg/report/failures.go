// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
)

// Failures writes every target that has failed, in the order in which they did:
// what was run, how it ended, and its last lines of output. tail returns the
// last lines of a resource. Nothing is written when nothing has failed.
func Failures(w io.Writer, s *v1alpha1.Session, tail func(resource string, lines int) []logs.Line, lines int) error {
	var b strings.Builder
	for _, t := range session.Failures(s.Status) {
		fmt.Fprintf(&b, "\nFAILED %s%s: %s\n", t.Name, ending(t.State.Terminated), t.State.Terminated.Error)
		for _, resource := range t.Resources {
			for _, line := range tail(resource, lines) {
				fmt.Fprintf(&b, "  | %s\n", line.Text)
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write the failures: %w", err)
	}
	return nil
}

// ending is how a process ended, in parentheses.
func ending(t *v1alpha1.TargetStateTerminated) string {
	switch {
	case t.ExitCode != nil:
		return fmt.Sprintf(" (exit code %d)", *t.ExitCode)
	case t.Signal != "":
		return fmt.Sprintf(" (signal: %s)", t.Signal)
	default:
		return ""
	}
}
