// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
	"tilt.dev/session/pkg/view"
)

const (
	// maxRows is how many targets are listed. Of more targets, only those that aren't fine and the slowest are.
	maxRows = 40
	// slowest is how many of the targets that took longest are listed in any case, and slow the least that these took.
	slowest, slow = 5, time.Second
	// maxDetail is how many characters of an error are shown.
	maxDetail = 100
)

// writeTable writes a row for each target.
func (r *Report) writeTable(b *strings.Builder) {
	var padded strings.Builder
	table := tabwriter.NewWriter(&padded, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "TARGET\tTYPE\tSTATE\tTIME\tDETAIL")
	omitted := 0
	least := r.slow()
	for i := range r.Targets {
		t := &r.Targets[i]
		detail, fine := t.detail()
		if fine && len(r.Targets) > maxRows && r.Ran(t) < least {
			omitted++
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.Name, t.Type, t.State, r.time(t), detail)
	}
	const fine = "ready, succeeded or not requested"
	if omitted == len(r.Targets) && omitted > 0 {
		fmt.Fprintf(b, "All %d targets are %s.\n", omitted, fine)
		return
	}
	_ = table.Flush() // It writes to memory.
	for line := range strings.Lines(padded.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if omitted > 0 {
		fmt.Fprintf(b, "and %d more that are %s\n", omitted, fine)
	}
}

// slow is from which time on a target is one of the slowest.
func (r *Report) slow() time.Duration {
	times := make([]time.Duration, len(r.Targets))
	for i := range r.Targets {
		times[i] = r.Ran(&r.Targets[i])
	}
	slices.Sort(times)
	if len(times) < slowest {
		return slow
	}
	return max(slow, times[len(times)-slowest])
}

// time is how long a target ran, empty for one that doesn't run.
func (r *Report) time(t *Target) string {
	switch {
	case t.Started.IsZero(), t.Phase == session.PhaseWaiting, t.Phase == session.PhaseInactive,
		t.Phase == session.PhaseDisabled:
		return ""
	}
	return view.Duration(r.Ran(t))
}

// detail is what the state doesn't say, and whether all is fine with a target.
func (t *Target) detail() (detail string, fine bool) {
	fine = true
	switch t.Phase {
	case session.PhaseWaiting:
		detail, fine = t.WaitReason, false
		if len(t.HeldBackBy) > 0 {
			detail = "held back by " + some(t.HeldBackBy)
		}
	case session.PhaseFailed:
		detail, fine = text.Cut(t.end(), maxDetail), false
	case session.PhaseActive:
		fine = false
	}
	if again := again(t.Type, t.Restarts); again != "" {
		detail, fine = strings.TrimPrefix(detail+", "+again, ", "), false
	}
	return detail, fine
}

// again says how often a target was started again after failures. It is empty if it never was.
func again(kind v1alpha1.TargetType, times int) string {
	verb := "restarted"
	if kind == v1alpha1.TargetTypeJob {
		verb = "retried"
	}
	switch times {
	case 0:
		return ""
	case 1:
		return verb + " once"
	default:
		return fmt.Sprintf("%s %d times", verb, times)
	}
}
