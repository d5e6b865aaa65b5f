// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"fmt"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// Changes finds the targets whose state has changed from one snapshot of a run to the next. Its zero value has seen
// none.
type Changes struct {
	last   *engine.Snapshot
	states map[string]string
}

// Of returns the targets that have changed since the last call.
func (c *Changes) Of(snap *engine.Snapshot) (changed []session.Change) {
	if c.last == nil {
		c.last, c.states = &engine.Snapshot{}, map[string]string{}
	}
	for _, t := range session.Changed(c.last, snap) {
		state := session.PhaseOf(t.State).String()
		if w := t.State.Waiting; w != nil {
			state += w.WaitReason
		}
		if known, ok := c.states[t.Name]; !ok || known != state {
			c.states[t.Name] = state
			changed = append(changed, t)
		}
	}
	c.last = snap
	return changed
}

// Change is the line that tells what has become of a target: that it succeeded, failed or is ready. It is empty for
// what the log says itself: starts, the Tiltfile, and servers that are ready as soon as they run.
func (s Style) Change(t *v1alpha1.Target) string {
	phase := session.PhaseOf(t.State)
	if session.LogSources(*t)[0] == model.TiltfileResource {
		return ""
	}
	var what string
	switch phase {
	case session.PhaseReady:
		took := t.State.Active.LastReadyTime.Sub(t.State.Active.StartTime.Time)
		if took <= 0 {
			return ""
		}
		what = "ready after " + Duration(took)
	case session.PhaseSucceeded:
		what = "succeeded" + after(" in ", t.State.Terminated)
	case session.PhaseFailed:
		what = "failed: " + shortFailure(t.State.Terminated) + after(" after ", t.State.Terminated)
	default:
		return ""
	}
	return s.Sign(phase) + " " + what
}

// after is how long what ended has run, empty if it has never begun.
func after(word string, end *v1alpha1.TargetStateTerminated) string {
	if took := Duration(between(end.StartTime.Time, end.FinishTime.Time)); took != "" {
		return word + took
	}
	return ""
}

func shortFailure(end *v1alpha1.TargetStateTerminated) string {
	switch {
	case end.ExitCode != nil:
		return fmt.Sprintf("exit %d", *end.ExitCode)
	case end.Signal != "":
		return end.Signal
	}
	return text.Plain(text.ErrorLine(end.Error))
}

// ChangedAt is when a target has got its state as far as that is known, else now.
func ChangedAt(t *v1alpha1.Target, now time.Time) time.Time {
	switch phase := session.PhaseOf(t.State); {
	case phase == session.PhaseReady:
		return t.State.Active.LastReadyTime.Time
	case t.State.Active != nil:
		return t.State.Active.StartTime.Time
	case t.State.Terminated != nil:
		return t.State.Terminated.FinishTime.Time
	}
	return now
}
