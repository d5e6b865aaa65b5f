// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package housekeeper

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The reasons of a false condition Scheduled.
const (
	reasonNoRunners   = "NoRunners"
	reasonNotSelected = "NoMatchingRunner"
	reasonFull        = "RunnersFull"
	reasonUnclaimed   = "Unclaimed"
	reasonEnding      = "LastRunEnding"
)

// whyUnclaimed is why no Runner claims a Session. Its message has no numbers that change often: each change is a write.
func whyUnclaimed(s *v1alpha1.Session, runners []*v1alpha1.Runner, lost map[types.UID]string) (reason, message string) {
	if held(s) {
		return reasonEnding, "Something may be left of the last run of the Session"
	}
	alive, selected, free := 0, 0, 0
	for _, r := range runners {
		if lost[r.UID] != "" || r.Status.Draining {
			continue
		}
		alive++
		if !labels.SelectorFromSet(s.Spec.RunnerSelector).Matches(labels.Set(r.Labels)) {
			continue
		}
		selected++
		if r.Status.Running < r.Spec.Capacity {
			free++
		}
	}
	switch {
	case alive == 0:
		return reasonNoRunners, "No runner is registered and takes Sessions"
	case selected == 0:
		return reasonNotSelected, fmt.Sprintf("No runner has the labels that spec.runnerSelector requires: %s",
			labels.FormatLabels(s.Spec.RunnerSelector))
	case free == 0:
		return reasonFull, "Every runner that may run the Session is at its capacity"
	}
	return reasonUnclaimed, "A runner that may run the Session hasn't claimed it yet"
}

// explain says in the status why no Runner claims a Session. It reports whether that has changed.
func (h *Housekeeper) explain(
	ctx context.Context, s *v1alpha1.Session, runners []*v1alpha1.Runner, lost map[types.UID]string, now time.Time,
) (wrote bool, err error) {
	reason, message := whyUnclaimed(s, runners, lost)
	stored := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.SessionConditionScheduled)
	if stored != nil && stored.Status == metav1.ConditionFalse &&
		(stored.Reason == reason && stored.Message == message || reason == reasonUnclaimed) {
		return false, nil
	}
	status := *s.Status.DeepCopy()
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: v1alpha1.SessionConditionScheduled, Status: metav1.ConditionFalse, Reason: reason, Message: message,
		ObservedGeneration: s.Generation, LastTransitionTime: metav1.NewTime(now.Truncate(time.Second)),
	})
	return true, h.writeStatus(ctx, s, status)
}
