// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// directory finds the targets that a wait is for.
type directory struct {
	snap *engine.Snapshot
	// byName are the resources of snap, nil before the first search.
	byName map[string]*engine.ResourceState
}

// wait completes the state of a waiting target of the resource self.
func (d *directory) wait(state *v1alpha1.TargetStateWaiting, w *engine.Wait, self string, update bool) {
	if state == nil || w == nil {
		return
	}
	state.Since = pointerTo(w.Since)
	for _, name := range w.On {
		if on := d.target(name, self, update); on != "" {
			state.On = append(state.On, on)
		}
	}
	slices.Sort(state.On)
	state.On = slices.Compact(state.On)
}

// target is the name of the target that the update or runtime of self waits for, if it waits for a task. It is empty
// for an unknown task.
func (d *directory) target(name, self string, update bool) string {
	switch {
	case name == model.TiltfileResource:
		return TiltfileTarget
	case strings.HasPrefix(name, model.ImagePrefix):
		return imageName(name)
	case d.byName == nil:
		d.byName = make(map[string]*engine.ResourceState, len(d.snap.Resources))
		for i := range d.snap.Resources {
			d.byName[d.snap.Resources[i].Name] = &d.snap.Resources[i]
		}
	}
	r := d.byName[name]
	if r == nil {
		return ""
	}
	job, runtime := TargetNames(r)
	switch {
	case runtime == "" || runtimePhase(r) == PhaseAbsent:
		return job
	case job == "":
		return runtime
	case name == self && update || name != self && updatePhase(r) == PhaseSucceeded:
		return runtime
	}
	return job
}

// updateTimes are the times of the execution that goes on or is due, else of the last one.
func updateTimes(r *engine.ResourceState) *v1alpha1.TargetTimes {
	u := r.Update
	switch phase := updatePhase(r); {
	case phase == PhaseDisabled || phase == PhaseInactive:
		return nil
	case phase == PhaseWaiting && !u.Queued.IsZero() && !u.Retry:
		return times(u.Queued, u.Allowed, time.Time{}, time.Time{}, time.Time{})
	}
	return buildTimes(u.History, u.Retry)
}

func tiltfileTimes(t *engine.TiltfileState) *v1alpha1.TargetTimes {
	if t.Pending && t.Running.IsZero() {
		return times(t.Queued, t.Queued, time.Time{}, time.Time{}, time.Time{})
	}
	return buildTimes(t.History, false)
}

// buildTimes are the times of the build that goes on, else of the last one. They begin with the first attempt, and
// don't end before a retry. They are nil without any build.
func buildTimes(h *engine.History, retries bool) *v1alpha1.TargetTimes {
	if h == nil {
		return nil
	}
	builds := h.Ended
	if h.Current != nil {
		builds = append([]*engine.Build{h.Current}, h.Ended...)
	}
	if len(builds) == 0 {
		return nil
	}
	first, finish := builds[0], builds[0].Finish
	for _, b := range builds[1:] {
		if first.Attempt == 0 {
			break
		}
		first = b
	}
	if retries {
		finish = time.Time{}
	}
	ready := finish
	if builds[0].Error != "" {
		ready = time.Time{}
	}
	return times(first.Queued, first.Allowed, first.Start, ready, finish)
}

// runtimeTimes are the times of a runtime since the update that it follows.
func runtimeTimes(r *engine.ResourceState, state v1alpha1.TargetState) *v1alpha1.TargetTimes {
	s := r.Runtime
	if phase := runtimePhase(r); phase == PhaseDisabled || phase == PhaseInactive {
		return nil
	}
	ready, finish := s.Ready, time.Time{}
	if end := state.Terminated; end != nil {
		finish = end.FinishTime.Time
		if !s.Probed && end.Error != "" && finish.Sub(s.Start) < aliveFor {
			ready = time.Time{} // Nothing but its start said so.
		}
	}
	return times(s.Queued, s.Allowed, s.Start, ready, finish)
}

// times are the moments that have come. They are nil if none has.
func times(queued, allowed, start, ready, finish time.Time) *v1alpha1.TargetTimes {
	if queued.IsZero() {
		return nil
	}
	t := &v1alpha1.TargetTimes{}
	moments := []struct {
		at  time.Time
		set **metav1.MicroTime
	}{
		{queued, &t.QueuedTime}, {allowed, &t.AllowedTime}, {start, &t.StartTime}, {ready, &t.ReadyTime},
		{finish, &t.FinishTime},
	}
	// They share an allocation: a Session may have very many targets.
	values := make([]metav1.MicroTime, len(moments))
	for i, m := range moments {
		if !m.at.IsZero() {
			values[i] = microTime(m.at)
			*m.set = &values[i]
		}
	}
	return t
}

func pointerTo(t time.Time) *metav1.MicroTime {
	if t.IsZero() {
		return nil
	}
	at := microTime(t)
	return &at
}
