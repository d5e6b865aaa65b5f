// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"cmp"
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

// waitUnknown is the wait reason of a workload that doesn't say why it isn't there yet.
const waitUnknown = "unknown"

// runtimeFailed is the error of a runtime that failed without one. The state of a failed target always has an error.
const runtimeFailed = "Server ended"

// targets lists the targets of snap, sorted by the bytes of their names. It's never nil. Failures of workloads are
// tolerated within grace of their deploy; next is when that ends for the first of them, zero if there is none.
func targets(snap *engine.Snapshot, grace time.Duration, now time.Time) (list []v1alpha1.Target, next time.Time) {
	list = make([]v1alpha1.Target, 0, 1+2*len(snap.Resources)+len(snap.Images))
	d := &directory{snap: snap}
	list = append(list, d.tiltfile())
	for i := range snap.Resources {
		var end time.Time
		list, end = d.resource(list, &snap.Resources[i], grace, now)
		next = earliest(next, end)
	}
	for i := range snap.Images {
		list = append(list, imageTarget(&snap.Images[i], d))
	}
	slices.SortStableFunc(list, func(a, b v1alpha1.Target) int { return strings.Compare(a.Name, b.Name) })
	return list, next
}

// tiltfile is the target of the Tiltfile.
func (d *directory) tiltfile() v1alpha1.Target {
	t := target("tiltfile", "update", v1alpha1.TargetTypeJob, model.TiltfileResource, tiltfileState(&d.snap.Tiltfile), 0)
	t.Times = tiltfileTimes(&d.snap.Tiltfile)
	if w := t.State.Waiting; w != nil {
		w.Since = pointerTo(d.snap.Tiltfile.Queued)
	}
	return t
}

// resource adds the targets of a resource. next is when the tolerance of a failure ends, zero if there is none.
func (d *directory) resource(list []v1alpha1.Target, r *engine.ResourceState, grace time.Duration, now time.Time) (
	_ []v1alpha1.Target, next time.Time) {
	if r.Update != nil {
		// A repetition that the job still waits for doesn't count.
		t := target(r.Name, "update", v1alpha1.TargetTypeJob, r.Name, updateState(r), r.Update.Attempt)
		t.Times = updateTimes(r)
		d.wait(t.State.Waiting, r.Update.Wait, r.Name, true)
		list = append(list, t)
	}
	if s := r.Runtime; s != nil && runtimePhase(r) != PhaseAbsent {
		t := target(r.Name, s.Verb, runtimeType(s), r.Name, runtimeState(r), s.Restarts)
		t.Times = runtimeTimes(r, t.State)
		d.wait(t.State.Waiting, s.Wait, r.Name, false)
		if tolerate(&t, s, grace, now) {
			next = s.Running.Start.Add(grace)
		}
		list = append(list, t)
	}
	return list, next
}

// imageTarget is the target of an image, which all resources that use it share.
func imageTarget(image *engine.ResourceState, d *directory) v1alpha1.Target {
	t := target("", "", v1alpha1.TargetTypeJob, "", updateState(image), image.Update.Attempt)
	t.Name = imageName(image.Name)
	t.Times = updateTimes(image)
	d.wait(t.State.Waiting, image.Update.Wait, image.Name, true)
	t.Resources = make([]string, len(image.Resources))
	for i, name := range image.Resources {
		t.Resources[i] = resourceName(name)
	}
	return t
}

// LogSources are the sources of the log that have the output of a target: its resources, or the image itself.
func LogSources(t v1alpha1.Target) []string {
	if strings.HasPrefix(t.Name, model.ImagePrefix) && !slices.ContainsFunc(t.Resources, func(resource string) bool {
		return strings.HasPrefix(t.Name, resource+":")
	}) {
		return []string{t.Name}
	}
	return t.Resources
}

// imageName is the name of an image's target. No target of a resource can have it: one that looks as if it ended in
// the verb of such a target gets the registry in front, and the names of resources have no slash.
func imageName(name string) string {
	last := name[strings.LastIndexByte(name, ':')+1:]
	if !strings.Contains(name, "/") && (last == "update" || last == "serve" || last == "runtime") {
		prefix, image, _ := strings.Cut(name, ":")
		name = prefix + ":docker.io/library/" + image
	}
	return resourceName(name)
}

func runtimeType(s *engine.RuntimeState) v1alpha1.TargetType {
	if s.Ends {
		return v1alpha1.TargetTypeJob
	}
	return v1alpha1.TargetTypeServer
}

// tolerate sets the graceStatus of a workload that has failed, and reports whether the failure is tolerated for now.
func tolerate(t *v1alpha1.Target, s *engine.RuntimeState, grace time.Duration, now time.Time) bool {
	if grace == 0 || t.State.Terminated == nil || t.State.Terminated.Error == "" || s.Running == nil {
		return false
	}
	if !now.Before(s.Running.Start.Add(grace)) {
		t.State.Terminated.GraceStatus = v1alpha1.TargetGraceExceeded
		return false
	}
	t.State.Terminated.GraceStatus = v1alpha1.TargetGraceTolerated
	return true
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

func runtimeState(r *engine.ResourceState) v1alpha1.TargetState {
	s := r.Runtime
	switch phase := runtimePhase(r); phase {
	case PhaseDisabled:
		return disabled
	case PhaseFailed, PhaseSucceeded:
		end := s.Exit
		if end == nil {
			end = reportedExit(s.Running)
		}
		if phase == PhaseSucceeded {
			return terminated(end, "")
		}
		return terminated(end, cmp.Or(end.Error, runtimeFailed))
	case PhaseActive, PhaseReady:
		return active(started(s.Running), phase == PhaseReady, s.Running.LastReady)
	case PhaseWaiting:
		if s.Running != nil {
			state := waiting(cmp.Or(s.Running.Reason, waitUnknown))
			state.Waiting.Since = pointerTo(latest(s.Running.Changed, s.Running.Start))
			return state
		}
		return waiting(string(s.Hold))
	default:
		return v1alpha1.TargetState{}
	}
}

// reportedExit is the end of what a runtime that goes on has run.
func reportedExit(r *engine.Running) *engine.Exit {
	end := &engine.Exit{Start: started(r), Finish: r.Changed, Error: r.Error, Signal: r.Signal}
	if r.Exited {
		end.Code = &r.Code
	}
	return end
}

// started is when what runs now began.
func started(r *engine.Running) time.Time {
	if r.Since.IsZero() {
		return r.Start
	}
	return r.Since
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
