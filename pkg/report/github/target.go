// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package github

import (
	"cmp"

	"tilt.dev/session/pkg/report"
	"tilt.dev/session/pkg/session"
)

// ended says in one or two words how a bad target was at the end.
func ended(t *report.Target) string {
	if t.Phase == session.PhaseFailed {
		return "failed"
	}
	return "was " + t.State
}

// reason is why a bad target isn't fine.
func reason(t *report.Target) string {
	if t.ExitCode != nil || t.Signal != "" {
		return t.Ending()
	}
	return cmp.Or(t.Error, t.WaitReason, "it was "+t.State+" at the end of the run")
}
