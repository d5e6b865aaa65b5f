// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"math"
	"slices"
	"strings"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// The wait reasons of the Tiltfile's own target.
const (
	waitInitialBuild  = "initial-build"
	waitConfigChanged = "config-changed"
)

// serverEnded is the error of a server that ended without one. A server isn't
// expected to end, so its state always has an error.
const serverEnded = "Server ended"

// targets lists the targets of snap, sorted by the bytes of their names. It's never nil.
func targets(snap *engine.Snapshot) []v1alpha1.Target {
	list := make([]v1alpha1.Target, 0, 1+2*len(snap.Resources))
	list = append(list, target("tiltfile", "update", v1alpha1.TargetTypeJob, model.TiltfileResource,
		tiltfileState(&snap.Tiltfile), 0))
	for i := range snap.Resources {
		r := &snap.Resources[i]
		if r.Update != nil {
			// A repetition that the job still waits for doesn't count.
			list = append(list, target(r.Name, "update", v1alpha1.TargetTypeJob, r.Name, updateState(r), r.Update.Attempt))
		}
		if r.Serve != nil {
			list = append(list, target(r.Name, "serve", v1alpha1.TargetTypeServer, r.Name, serveState(r), r.Serve.Restarts))
		}
	}
	slices.SortStableFunc(list, func(a, b v1alpha1.Target) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func target(prefix, verb string, kind v1alpha1.TargetType, resource string,
	state v1alpha1.TargetState, restarts int) v1alpha1.Target {
	if state.Disabled != nil {
		restarts = 0
	}
	return v1alpha1.Target{
		Name:      targetName(prefix, verb),
		Type:      kind,
		Resources: []string{resourceName(resource)},
		State:     state,
		// The engine waits before each restart, so there are never that many.
		RestartCount: int32(min(restarts, math.MaxInt32)),
	}
}

func targetName(prefix, verb string) string {
	return resourceName(prefix) + ":" + verb
}

func tiltfileState(t *engine.TiltfileState) v1alpha1.TargetState {
	switch tiltfilePhase(t) {
	case PhaseActive:
		return active(t.Running, false, time.Time{})
	case PhaseWaiting:
		if t.Pending {
			return waiting(waitConfigChanged)
		}
		return waiting(waitInitialBuild)
	default:
		return terminated(t.Last, t.Last.Error)
	}
}

func updateState(r *engine.ResourceState) v1alpha1.TargetState {
	u := r.Update
	switch updatePhase(r) {
	case PhaseDisabled:
		return disabled
	case PhaseActive:
		return active(u.Running, false, time.Time{})
	case PhaseWaiting:
		return waiting(string(u.Hold))
	case PhaseSucceeded, PhaseFailed:
		return terminated(u.Last, u.Last.Error)
	default:
		return v1alpha1.TargetState{}
	}
}

func serveState(r *engine.ResourceState) v1alpha1.TargetState {
	s := r.Serve
	switch servePhase(r) {
	case PhaseDisabled:
		return disabled
	case PhaseFailed:
		err := s.Exit.Error
		if err == "" {
			err = serverEnded
		}
		return terminated(s.Exit, err)
	case PhaseActive, PhaseReady:
		return active(s.Process.Start, s.Process.Ready, s.Process.LastReady)
	case PhaseWaiting:
		return waiting(string(s.Hold))
	default:
		return v1alpha1.TargetState{}
	}
}

var disabled = v1alpha1.TargetState{Disabled: &v1alpha1.TargetStateDisabled{}}

func active(start time.Time, ready bool, lastReady time.Time) v1alpha1.TargetState {
	return v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{
		StartTime: microTime(start), Ready: ready, LastReadyTime: microTime(lastReady),
	}}
}

func waiting(reason string) v1alpha1.TargetState {
	return v1alpha1.TargetState{Waiting: &v1alpha1.TargetStateWaiting{WaitReason: reason}}
}

func terminated(end *engine.Exit, err string) v1alpha1.TargetState {
	state := &v1alpha1.TargetStateTerminated{
		StartTime:  microTime(end.Start),
		FinishTime: microTime(end.Finish),
		Error:      loggedText(err),
		Signal:     end.Signal,
	}
	if end.Code != nil && end.Signal == "" {
		code := int32(*end.Code)
		state.ExitCode = &code
	}
	return v1alpha1.TargetState{Terminated: state}
}

// Phase is the kind of state that a target is in, without its details.
type Phase uint8

const (
	// PhaseAbsent is a job or server that its resource doesn't have.
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
// Tiltfile's, then for each resource in the snapshot's order its job's and its server's.
func Phases(snap *engine.Snapshot) []Phase {
	phases := make([]Phase, 0, 1+2*len(snap.Resources))
	phases = append(phases, tiltfilePhase(&snap.Tiltfile))
	for i := range snap.Resources {
		r := &snap.Resources[i]
		phases = append(phases, updatePhase(r), servePhase(r))
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

func servePhase(r *engine.ResourceState) Phase {
	switch s := r.Serve; {
	case s == nil:
		return PhaseAbsent
	case r.Disabled:
		return PhaseDisabled
	case s.Exit != nil:
		return PhaseFailed
	case s.Process != nil && s.Process.Ready:
		return PhaseReady
	case s.Process != nil:
		return PhaseActive
	case s.Hold != engine.HoldNone:
		return PhaseWaiting
	default:
		return PhaseInactive
	}
}

func jobEndPhase(end *engine.Exit) Phase {
	if end.Error != "" {
		return PhaseFailed
	}
	return PhaseSucceeded
}
