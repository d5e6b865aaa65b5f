// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"time"

	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

const (
	// maxNames is how many targets a line names.
	maxNames = 5
	// maxError is how many characters of an error a line has.
	maxError = 300
)

// VerdictLine says in one line how the run has ended.
func (r *Report) VerdictLine() string {
	took := view.Duration(r.Took())
	var unfinished, failed []string
	for i := range r.Targets {
		if t := &r.Targets[i]; t.Unfinished && t.Phase != session.PhaseFailed {
			unfinished = append(unfinished, t.Name)
		}
	}
	for _, t := range r.Failures {
		failed = append(failed, t.Name)
	}
	switch {
	case r.Verdict == session.Succeeded && r.Green():
		// Scripts look for the first two sentences, which are Tilt's.
		return fmt.Sprintf("SUCCESS. All workloads are healthy. It took %s.", took)
	case r.Green() && len(failed) > 0:
		return fmt.Sprintf("ENDED after %s; %d of %d failed (%s).", took, len(failed), len(r.Targets), some(failed))
	case r.Green():
		return fmt.Sprintf("ENDED after %s.", took)
	}
	rest := ""
	if len(unfinished) > 0 {
		rest = fmt.Sprintf("; %d of %d unfinished (%s)", len(unfinished), len(r.Targets), some(unfinished))
	}
	if r.Signal != "" {
		return fmt.Sprintf("INTERRUPTED by %s after %s%s. Exit code %d.", r.Signal, took, rest, r.ExitCode)
	}
	why := fmt.Sprintf("%d of %d (%s)", len(failed), len(r.Targets), some(failed))
	if r.Verdict != session.TargetFailed || len(failed) == 0 {
		why = strings.TrimSuffix(text.Cut(firstLine(r.reason()), maxError), ".") + rest
	}
	return fmt.Sprintf("FAILED in %s: %s. Exit code %d.", took, why, r.ExitCode)
}

// some are the first names, and how many there are more.
func some(names []string) string {
	if more := len(names) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), more)
	}
	return strings.Join(names, ", ")
}

// ChainLine is the longest chain in one line, empty if it isn't known.
func (r *Report) ChainLine() string {
	var links []string
	var sum time.Duration
	for _, link := range r.Chain {
		took := link.End.Sub(link.Start)
		sum += took
		links = append(links, link.Target+" "+view.Duration(took))
	}
	if len(links) == 0 {
		return ""
	}
	return fmt.Sprintf("longest chain %s of %s: %s",
		view.Duration(sum), view.Duration(r.Took()), strings.Join(links, " → "))
}
