// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"tilt.dev/session/pkg/model"
)

// done says whether all of the workload is as it should be. If not, waiting says what is missing.
func (w *workload) done(states []state) (done bool, waiting string) {
	evidence, producers, note := len(w.current) > 0, len(w.Objects) == 0, ""
	for i, s := range states {
		if !s.done {
			return false, s.waiting
		}
		evidence = evidence || s.judged
		producers = producers || MakesPods(w.Objects[i].Unstructured)
		note = cmp.Or(note, s.waiting)
	}
	if !evidence && producers {
		return false, ""
	}
	succeeded := false
	for _, s := range states {
		succeeded = succeeded || s.finished
	}
	for _, p := range w.current {
		switch {
		case w.rootKind(p) == "CronJob" || superseded(p.Pod) || w.rootFinished(states, p):
		case w.Mode == model.PodReadinessSucceeded && p.Status.Phase != corev1.PodSucceeded:
			return false, podWaits(p.Pod)
		case p.Status.Phase == corev1.PodSucceeded:
			succeeded = true
		case !ready(p.Pod):
			return false, podWaits(p.Pod)
		}
	}
	if w.Mode == model.PodReadinessSucceeded && !succeeded {
		return false, note
	}
	return true, note
}

// rootFinished says whether the object that owns the pod has finished, so that the pod doesn't matter any more.
func (w *workload) rootFinished(states []state, p Pod) bool {
	for i, o := range w.Objects {
		if o.GetUID() == p.Root {
			return states[i].finished
		}
	}
	return false
}

// finished says whether nothing of the workload goes on.
func (w *workload) finished(states []state) bool {
	some := false
	for i, s := range states {
		if goesOn(w.Objects[i]) {
			return false
		}
		some = some || s.finished
	}
	for _, p := range w.current {
		if !w.rootFinished(states, p) && p.Status.Phase != corev1.PodSucceeded {
			return false
		}
		some = true
	}
	return some
}
