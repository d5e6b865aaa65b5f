// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// Phase is the kind of state that a target is in, without its details.
type Phase uint8

const (
	// PhaseAbsent is an update or runtime that its resource doesn't have.
	PhaseAbsent Phase = iota
	// PhaseInactive is a target that was never requested.
	PhaseInactive
	// PhaseWaiting is a requested target that hasn't begun.
	PhaseWaiting
	// PhaseActive is a job that executes or a server that isn't ready.
	PhaseActive
	// PhaseReady is a server that is ready.
	PhaseReady
	// PhaseSucceeded is a job that succeeded.
	PhaseSucceeded
	// PhaseFailed is a job that failed or a server that ended.
	PhaseFailed
	// PhaseDisabled is a target of a disabled resource.
	PhaseDisabled
)

var phaseNames = [...]string{"absent", "inactive", "waiting", "active", "ready", "succeeded", "failed", "disabled"}

// String is the phase in one lower-case word.
func (p Phase) String() string {
	return phaseNames[p]
}

// PhaseOf is the phase of a published state.
func PhaseOf(state v1alpha1.TargetState) Phase {
	switch {
	case state.Disabled != nil:
		return PhaseDisabled
	case state.Waiting != nil:
		return PhaseWaiting
	case state.Active != nil && state.Active.Ready:
		return PhaseReady
	case state.Active != nil:
		return PhaseActive
	case state.Terminated != nil && state.Terminated.Error != "":
		return PhaseFailed
	case state.Terminated != nil:
		return PhaseSucceeded
	default:
		return PhaseInactive
	}
}

// Phases are the phases of all targets that Status would list for snap, at a small part of its cost: first the
// Tiltfile's, then for each resource and each image in the snapshot's order its update's and its runtime's.
func Phases(snap *engine.Snapshot) []Phase {
	phases := make([]Phase, 0, 1+2*len(snap.Resources)+2*len(snap.Images))
	phases = append(phases, tiltfilePhase(&snap.Tiltfile))
	for i := range snap.Resources {
		r := &snap.Resources[i]
		phases = append(phases, updatePhase(r), runtimePhase(r))
	}
	for i := range snap.Images {
		phases = append(phases, updatePhase(&snap.Images[i]), PhaseAbsent)
	}
	return phases
}

func tiltfilePhase(t *engine.TiltfileState) Phase {
	switch {
	case !t.Running.IsZero():
		return PhaseActive
	case t.Pending || t.Last == nil:
		return PhaseWaiting
	default:
		return jobEndPhase(t.Last)
	}
}

func updatePhase(r *engine.ResourceState) Phase {
	switch u := r.Update; {
	case u == nil:
		return PhaseAbsent
	case r.Disabled:
		return PhaseDisabled
	case !u.Running.IsZero():
		return PhaseActive
	case u.Hold != engine.HoldNone:
		return PhaseWaiting
	case u.Last != nil:
		return jobEndPhase(u.Last)
	default:
		return PhaseInactive
	}
}

func runtimePhase(r *engine.ResourceState) Phase {
	switch s := r.Runtime; {
	case s == nil:
		return PhaseAbsent
	case r.Disabled:
		return PhaseDisabled
	case s.Exit != nil:
		return PhaseFailed
	case s.Running != nil:
		return runningPhases[s.Running.Phase]
	case s.Hold != engine.HoldNone:
		return PhaseWaiting
	default:
		return PhaseInactive
	}
}

var runningPhases = [...]Phase{
	engine.Starting:  PhaseActive,
	engine.Pending:   PhaseWaiting,
	engine.Ready:     PhaseReady,
	engine.Succeeded: PhaseSucceeded,
	engine.Failed:    PhaseFailed,
	engine.Absent:    PhaseAbsent,
}

func jobEndPhase(end *engine.Exit) Phase {
	if end.Error != "" {
		return PhaseFailed
	}
	return PhaseSucceeded
}
