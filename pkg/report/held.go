// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// linkFailures determines which targets never ran because of which failures: those that wait for a failed target, or
// for another one that does.
func (r *Report) linkFailures(status *v1alpha1.SessionStatus, defined map[string]definition) {
	if len(r.Failures) == 0 {
		return
	}
	waitsFor := map[string][]string{}
	for i := range r.Targets {
		if t := &r.Targets[i]; t.Phase == session.PhaseWaiting || t.Phase == session.PhaseInactive {
			waitsFor[t.Name] = defined[t.Name].needs
			if wait := status.Targets[i].State.Waiting; wait != nil && len(wait.On) > 0 {
				waitsFor[t.Name] = wait.On
			}
		}
	}
	for i := range r.Targets {
		t := &r.Targets[i]
		if _, waits := waitsFor[t.Name]; !waits {
			continue
		}
		seen := sets.New[string]()
		var visit func(string)
		visit = func(name string) {
			for _, next := range waitsFor[name] {
				if !seen.Has(next) {
					seen.Insert(next)
					visit(next)
				}
			}
		}
		visit(t.Name)
		for _, failed := range r.Failures {
			if seen.Has(failed.Name) {
				t.HeldBackBy = append(t.HeldBackBy, failed.Name)
				failed.HeldBack = append(failed.HeldBack, t.Name)
			}
		}
		slices.Sort(t.HeldBackBy)
	}
}
