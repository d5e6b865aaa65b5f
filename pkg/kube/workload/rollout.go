// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"tilt.dev/session/pkg/kube/workload/status"
)

// rollout tells in the log how new pods come up. Of the pods of one owner, such as a ReplicaSet, it follows the first
// one that it sees.
type rollout struct {
	began   time.Time
	follows map[types.UID]*progress
}

// progress is how far a pod has come, as far as it was told.
type progress struct {
	pod    types.UID
	steps  int
	reason string
}

func newRollout(began time.Time) *rollout {
	return &rollout{began: began, follows: map[types.UID]*progress{}}
}

// steps are the conditions of a pod that are told, in order.
var steps = []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.PodReady}

var stepNames = map[corev1.PodConditionType]string{
	corev1.PodScheduled: "Scheduled", corev1.PodInitialized: "Initialized", corev1.PodReady: "Ready",
}

// lines returns what is new of pods that count.
func (r *rollout) lines(current []status.Pod) []string {
	var lines []string
	for i := len(current) - 1; i >= 0; i-- { // The oldest first.
		p := current[i]
		key := p.UID
		if owner := metav1.GetControllerOf(p.Pod); owner != nil {
			key = owner.UID
		}
		follows := r.follows[key]
		if follows == nil {
			follows = &progress{pod: p.UID}
			r.follows[key] = follows
			// The clocks of machines differ a little, and creation times are whole seconds.
			if p.CreationTimestamp.Add(time.Second).Before(r.began) {
				follows.steps = len(steps)
				lines = append(lines, fmt.Sprintf("Attaching to existing pod (%s). Only new logs will be streamed.", p.Name))
			} else {
				lines = append(lines, fmt.Sprintf("Tracking new pod rollout (%s):", p.Name))
			}
		}
		if follows.pod == p.UID {
			lines = append(lines, follows.advance(p.Pod)...)
		}
	}
	return lines
}

// advance returns the steps that the pod has taken since the last call.
func (f *progress) advance(p *corev1.Pod) []string {
	var lines []string
	for f.steps < len(steps) {
		step := steps[f.steps]
		c := condition(p, step)
		if step == corev1.PodReady && p.Status.Phase == corev1.PodSucceeded {
			f.steps++
			lines = append(lines, "     ┊ Completed")
			break
		}
		if c == nil || c.Status != corev1.ConditionTrue {
			break
		}
		since := p.CreationTimestamp.Time
		if f.steps > 0 {
			if before := condition(p, steps[f.steps-1]); before != nil {
				since = before.LastTransitionTime.Time
			}
		}
		lines = append(lines, fmt.Sprintf("     ┊ %-15s - %s", stepNames[step], took(c.LastTransitionTime.Sub(since))))
		f.steps++
	}
	if f.steps == len(steps) {
		return lines
	}
	reason, detail := status.Reason(p)
	if detail != "" && reason != f.reason && reason != string(corev1.PodRunning) {
		f.reason = reason
		lines = append(lines, fmt.Sprintf("     ┃ Not Ready - (%s): %s", reason, strings.Join(strings.Fields(detail), " ")))
	}
	return lines
}

func took(d time.Duration) string {
	if d < time.Second {
		return "<1s"
	}
	return duration.HumanDuration(d)
}

func condition(p *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == kind {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}
