// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// Row is what a table says of one resource or image of a Session. Its texts are made when they are asked for, so rows
// that aren't shown cost little.
type Row struct {
	// Name is that of the resource, of the Tiltfile, or of an image with model.ImagePrefix. Logs are selected by it.
	Name string
	// Targets are those of the resource, the one that decides its state first. The Session owns them.
	Targets []*v1alpha1.Target
	// Phase is that of the first target.
	Phase session.Phase

	all    table
	status *v1alpha1.SessionStatus
}

// table are the rows of a Session by name.
type table map[string]*Row

// Rows returns a row for each resource and image of a Session: the Tiltfile's first, the others sorted by name. The
// Session must not change while they are used.
func Rows(s *v1alpha1.Session) []*Row {
	rows, all := []*Row{}, table{}
	for i := range s.Status.Targets {
		t := &s.Status.Targets[i]
		for _, name := range session.LogSources(*t) {
			row := all[name]
			if row == nil {
				row = &Row{Name: name, all: all, status: &s.Status}
				all[name], rows = row, append(rows, row)
			}
			row.Targets = append(row.Targets, t)
		}
	}
	for _, row := range rows {
		slices.SortStableFunc(row.Targets, func(a, b *v1alpha1.Target) int { return urgency(a) - urgency(b) })
		row.Phase = session.PhaseOf(row.Targets[0].State)
	}
	slices.SortFunc(rows, func(a, b *Row) int {
		switch model.TiltfileResource {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return rows
}

// urgencies orders the phases of the targets of one resource: the first one there is decides what its row says.
var urgencies = [...]int{
	session.PhaseFailed: 0, session.PhaseActive: 1, session.PhaseWaiting: 2, session.PhaseReady: 4,
	session.PhaseSucceeded: 5, session.PhaseInactive: 6, session.PhaseDisabled: 7, session.PhaseAbsent: 8,
}

// urgency is lower for what says more. A server that waits for the update of its resource says less than that update.
func urgency(t *v1alpha1.Target) int {
	if w := t.State.Waiting; w != nil && engine.Hold(w.WaitReason) == engine.HoldWaitingForUpdate {
		return urgencies[session.PhaseWaiting] + 1
	}
	return urgencies[session.PhaseOf(t.State)]
}

// State is the state of the row in words.
func (r *Row) State() string {
	if t := r.Targets[0]; r.status != nil && r.status.Done && session.PhaseOf(t.State) == session.PhaseActive {
		return "stopped"
	}
	return StateWord(r.Targets[0])
}

// StateWord is the state of a target in words.
func StateWord(t *v1alpha1.Target) string {
	switch phase := session.PhaseOf(t.State); phase {
	case session.PhaseActive:
		if t.Type == v1alpha1.TargetTypeServer {
			return "not ready"
		}
		return "running"
	case session.PhaseInactive, session.PhaseAbsent:
		return "not requested"
	default:
		return phase.String()
	}
}

// Time is how long a row has waited or run, took to be ready or to end. It is negative where that isn't known.
// The end of a Session is that of all that it has cut off.
func (r *Row) Time(now time.Time) time.Duration {
	if r.status != nil {
		now = ended(r.status, now)
	}
	switch state := r.Targets[0].State; {
	case state.Waiting != nil && state.Waiting.Since != nil:
		return between(state.Waiting.Since.Time, now)
	case state.Active != nil && state.Active.Ready:
		return between(state.Active.StartTime.Time, state.Active.LastReadyTime.Time)
	case state.Active != nil:
		return between(state.Active.StartTime.Time, now)
	case state.Terminated != nil:
		return between(state.Terminated.StartTime.Time, state.Terminated.FinishTime.Time)
	}
	return -1
}

func between(from, to time.Time) time.Duration {
	if from.IsZero() || to.IsZero() {
		return -1
	}
	return max(to.Sub(from), 0)
}

// Why is why a row failed or what it waits for, and how often it was started again. It is empty for a row that does
// well, which the last line of its log describes.
func (r *Row) Why() string {
	var parts []string
	t := r.Targets[0]
	switch state := t.State; {
	case state.Terminated != nil && state.Terminated.Error != "":
		parts = append(parts, failure(state.Terminated))
	case state.Waiting != nil:
		parts = append(parts, r.waitsFor(state.Waiting))
	}
	if n := t.RestartCount; n > 0 {
		verb := "restarted"
		if t.Type == v1alpha1.TargetTypeJob {
			verb = "retried"
		}
		parts = append(parts, fmt.Sprintf("%s %s", verb, times(n)))
	}
	return strings.Join(parts, ", ")
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// Says is what a table says of a row besides its state: why it isn't well, or its last line of output, or both where
// the error of a process is nothing but its exit code or signal.
func (r *Row) Says(last string) string {
	why := r.Why()
	last = text.Plain(last)
	switch {
	case r.Phase == session.PhaseInactive || r.Phase == session.PhaseDisabled || last == "":
		return why
	case why == "":
		return last
	case r.Phase == session.PhaseFailed && exit(r.Targets[0].State.Terminated) != "":
		return why + ": " + last
	}
	return why
}

// failure is the main line of the error of a target.
func failure(end *v1alpha1.TargetStateTerminated) string {
	return cmp.Or(exit(end), text.Plain(text.ErrorLine(end.Error)))
}

// exit is how a process ended whose error says nothing more, empty for other ends.
func exit(end *v1alpha1.TargetStateTerminated) string {
	switch code := end.ExitCode; {
	case end.Signal != "" && strings.HasSuffix(end.Error, "signal: "+end.Signal):
		return "signal: " + end.Signal
	case code != nil && (strings.HasSuffix(end.Error, fmt.Sprintf(" exited with code %d", *code)) ||
		strings.HasSuffix(end.Error, fmt.Sprintf("exit status %d", *code))):
		return fmt.Sprintf("exit code %d", *code)
	}
	return ""
}

// maxOn is how many of the rows that a row waits for are named.
const maxOn = 3

// waitsFor is what a target waits for: the rows in front of it and their states, failed ones first, or the reason.
func (r *Row) waitsFor(w *v1alpha1.TargetStateWaiting) string {
	on := r.on(w)
	if len(on) == 0 {
		return WaitWords(w.WaitReason)
	}
	var names []string
	for _, row := range on[:min(len(on), maxOn)] {
		names = append(names, fmt.Sprintf("%s (%s)", row.Name, row.State()))
	}
	if more := len(on) - maxOn; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return "← " + strings.Join(names, ", ")
}

// on are the other rows that a target waits for, the most urgent first.
func (r *Row) on(w *v1alpha1.TargetStateWaiting) (on []*Row) {
	for _, name := range w.On {
		if row := r.all.rowOf(name); row != nil && row != r && !slices.Contains(on, row) {
			on = append(on, row)
		}
	}
	slices.SortStableFunc(on, func(a, b *Row) int { return urgency(a.Targets[0]) - urgency(b.Targets[0]) })
	return on
}

// rowOf is the row of a target, a resource or an image, nil if there is none.
func (all table) rowOf(target string) *Row {
	if row := all[target]; row != nil {
		return row
	}
	if target == tiltfileTarget {
		return all[model.TiltfileResource]
	}
	if row := all[target[:max(strings.LastIndexByte(target, ':'), 0)]]; row != nil {
		return row
	}
	return all[model.ImagePrefix+target]
}

// tiltfileTarget is the target of the Tiltfile's evaluation.
const tiltfileTarget = "tiltfile:update"

// WaitWords is a wait reason in words. A reason that isn't ours, such as a pod's, stays as it is.
func WaitWords(reason string) string {
	switch engine.Hold(reason) {
	case engine.HoldTiltfileReload:
		return "for the Tiltfile"
	case engine.HoldWaitingForLocal:
		return "for another job that runs alone"
	case engine.HoldUnparallelizable:
		return "to run alone, without other jobs"
	case engine.HoldWaitingForDep:
		return "for what it depends on"
	case engine.HoldWaitingForSlot:
		return "for its turn: as many updates run as may run at once"
	case engine.HoldWaitingForUpdate:
		return "for its update"
	case engine.HoldUpdateFailed:
		return "its update has failed"
	case engine.HoldPendingTrigger:
		return "for a trigger"
	case engine.HoldBuildingImage:
		return "for its image"
	case engine.HoldWaitingForDeploy:
		return "for its containers to run"
	case engine.HoldReconciling:
		return "for its containers to run again"
	case engine.HoldRetrying:
		return "for its retry"
	case engine.HoldRestarting:
		return "for its restart"
	case engine.HoldAfterFailure:
		return "not started after an earlier failure"
	case v1alpha1.WaitReasonSessionSlot:
		return "for other Sessions to end"
	}
	return text.Plain(reason)
}
