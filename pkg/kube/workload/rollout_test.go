// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/kube/workload/status"
)

func TestRollout(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", UID: "p", CreationTimestamp: metav1.NewTime(began)}}
	old := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "old", UID: "o",
		CreationTimestamp: metav1.NewTime(began.Add(-time.Hour))}}
	is := func(kind corev1.PodConditionType, after time.Duration) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue,
			LastTransitionTime: metav1.NewTime(began.Add(after))})
	}
	r := newRollout(began)
	for _, step := range []struct {
		change func()
		want   []string
	}{
		{func() {}, []string{"Attaching to existing pod (old). Only new logs will be streamed.", "Tracking new pod rollout (p):"}},
		{func() { is(corev1.PodScheduled, 0) }, []string{"     ┊ Scheduled       - <1s"}},
		{func() {}, nil},
		{func() {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{
				Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no\nsuch image"}}}}
		}, []string{"     ┃ Not Ready - (ErrImagePull): container app: ErrImagePull: no such image"}},
		{func() {
			p.Status.ContainerStatuses = nil
			is(corev1.PodInitialized, 2*time.Second)
			is(corev1.PodReady, 5*time.Second)
		}, []string{"     ┊ Initialized     - 2s", "     ┊ Ready           - 3s"}},
		{func() {}, nil},
	} {
		step.change()
		if got := r.lines([]status.Pod{{Pod: p}, {Pod: old}}); !slices.Equal(got, step.want) {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
}

func TestPrefix(t *testing.T) {
	spec := func(names ...string) *corev1.Pod {
		p := &corev1.Pod{}
		p.Spec.InitContainers = []corev1.Container{{Name: "istio-init"}, {Name: "prepare"}}
		for _, name := range names {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: name})
		}
		return p
	}
	for _, tc := range []struct {
		pod             *corev1.Pod
		container, want string
	}{
		{spec("app"), "app", ""},
		{spec("app", "istio-proxy"), "app", ""},
		{spec("app", "helper"), "app", "[app] "},
		{spec("app"), "prepare", "[prepare] "},
	} {
		if got := prefix(tc.pod, tc.container); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.container, got, tc.want)
		}
	}
	if got := shownContainers(spec("app", "istio-proxy")); !slices.Equal(got, []string{"prepare", "app"}) {
		t.Errorf("shown: %q", got)
	}
}
