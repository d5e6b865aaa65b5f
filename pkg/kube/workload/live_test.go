// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// podWith is a pod with a container "app", whose state is "running", "waiting", "crashing", "ended" or "none".
func podWith(name, image, state, id string) status.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	p.Spec.InitContainers = []corev1.Container{{Name: "init", Image: image}}
	p.Spec.Containers = []corev1.Container{{Name: "sidecar", Image: "proxy"}, {Name: "app", Image: image}}
	s := corev1.ContainerStatus{Name: "app", ContainerID: id}
	switch state {
	case "running":
		s.State.Running = &corev1.ContainerStateRunning{}
	case "waiting":
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	case "crashing":
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
	case "ended":
		s.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1}
	case "none":
		return status.Pod{Pod: p}
	}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "sidecar"}, s}
	return status.Pod{Pod: p}
}

func leaving(p status.Pod) status.Pod {
	p.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	return p
}

func never(p status.Pod, phase corev1.PodPhase) status.Pod {
	p.Spec.RestartPolicy, p.Status.Phase = corev1.RestartPolicyNever, phase
	return p
}

// followed is a live with updates, whose states it collects.
type followed struct {
	*live
	request engine.RuntimeRequest
	states  []engine.LiveState
}

func follow(t *testing.T, updates ...model.LiveUpdate) *followed {
	t.Helper()
	f := &followed{}
	f.request = engine.RuntimeRequest{LiveUpdates: updates, Output: deploy.Applied{},
		Images:     map[string]model.BuiltImage{"web": {ClusterRef: "registry:5000/web:tilt-1"}},
		ReportLive: func(states []engine.LiveState) { f.states = states }}
	f.live = newLive(t.Context(), nil, spec{RuntimeRequest: f.request, applied: &deploy.Applied{}})
	return f
}

func TestLiveState(t *testing.T) {
	const web = "registry:5000/web:tilt-2"
	crashing := engine.LiveState{Phase: engine.LiveFailed, Reason: "CrashLoopBackOff",
		Message: "Cannot live update because container crashing. Pod: a"}
	stopped := engine.LiveState{Phase: engine.LiveFailed, Reason: "Terminated",
		Message: "Container for live update is stopped. Pod name: a"}
	waiting, ready, absent := engine.LiveState{Phase: engine.LiveWaiting}, engine.LiveState{Phase: engine.LiveReady},
		engine.LiveState{Phase: engine.LiveAbsent}
	for name, test := range map[string]struct {
		pods    []status.Pod
		settled bool
		want    engine.LiveState
	}{
		"no pods yet":         {nil, false, waiting},
		"no pods":             {nil, true, absent},
		"another image":       {[]status.Pod{podWith("a", "web:tilt-1", "running", "1")}, true, absent},
		"running":             {[]status.Pod{podWith("a", web, "running", "1")}, true, ready},
		"with a digest":       {[]status.Pod{podWith("a", "registry:5000/web@sha256:"+fmt.Sprintf("%064d", 0), "running", "1")}, true, ready},
		"no status":           {[]status.Pod{podWith("a", web, "none", "")}, false, waiting},
		"waiting":             {[]status.Pod{podWith("a", web, "waiting", "")}, false, waiting},
		"one of two":          {[]status.Pod{podWith("a", web, "waiting", ""), podWith("b", web, "running", "1")}, false, ready},
		"crashing":            {[]status.Pod{podWith("a", web, "crashing", "1"), podWith("b", web, "running", "2")}, true, crashing},
		"starts again":        {[]status.Pod{podWith("a", web, "ended", "1")}, true, waiting},
		"ended":               {[]status.Pod{never(podWith("a", web, "ended", "1"), corev1.PodRunning)}, true, stopped},
		"the pod has ended":   {[]status.Pod{never(podWith("a", web, "running", "1"), corev1.PodSucceeded)}, true, stopped},
		"ended and another":   {[]status.Pod{never(podWith("a", web, "ended", "1"), corev1.PodFailed), podWith("b", web, "running", "2")}, true, ready},
		"leaving":             {[]status.Pod{leaving(podWith("a", web, "running", "1"))}, false, waiting},
		"leaving and another": {[]status.Pod{leaving(podWith("a", web, "crashing", "1")), podWith("b", web, "running", "2")}, true, ready},
	} {
		t.Run(name, func(t *testing.T) {
			f := follow(t, model.LiveUpdate{Image: "web"})
			if f.states != nil {
				t.Errorf("before a look: %+v", f.states)
			}
			for i := range test.pods {
				if test.pods[i].Spec.RestartPolicy == "" {
					test.pods[i].Spec.RestartPolicy = corev1.RestartPolicyAlways
				}
			}
			f.observe(test.pods, test.pods, test.settled)
			if len(f.states) != 1 || f.states[0] != test.want {
				t.Errorf("%+v, want %+v", f.states, test.want)
			}
		})
	}
}

func TestLiveSelectors(t *testing.T) {
	pods := []status.Pod{podWith("a", "docker.io/library/redis:7", "running", "1")}
	for want, updates := range map[engine.LivePhase][]model.LiveUpdate{
		engine.LiveReady:  {{Repository: "docker.io/library/redis"}, {Container: "app"}},
		engine.LiveAbsent: {{Repository: "docker.io/library/red"}, {Container: "init"}, {Container: "redis"}, {Image: "unknown"}},
	} {
		f := follow(t, updates...)
		f.observe(pods, pods, true)
		for i, s := range f.states {
			if s.Phase != want {
				t.Errorf("%+v: %+v", updates[i], s)
			}
		}
	}
}

// A container that starts again is another one, and one whose pod is gone is none.
func TestLiveMembers(t *testing.T) {
	f := follow(t, model.LiveUpdate{Container: "app", LiveSteps: model.LiveSteps{InitialSync: true}})
	see := func(pods ...status.Pod) bool {
		f.observe(pods, pods, true)
		return f.states[0].Lacking
	}
	bring := func() {
		t.Helper()
		activity, err := f.Start(engine.LiveUpdateRequest{Log: engine.NewLog(logs.New(1<<20, clock.RealClock{}), "a"),
			Files: make([][]engine.ChangedFile, 1)})
		if err != nil {
			t.Fatal(err)
		}
		<-activity.Done()
	}
	if !see(podWith("a", "web", "running", "1")) {
		t.Error("the container lacks nothing")
	}
	bring() // There are no files.
	if f.states[0].Lacking || see(podWith("a", "web", "running", "1")) {
		t.Error("the container lacks files that it got")
	}
	see(podWith("a", "web", "waiting", "1"))
	if see(podWith("a", "web", "running", "1")) {
		t.Error("a look while it waits forgets what it got")
	}
	if !see(podWith("a", "web", "running", "2")) || !see(podWith("b", "web", "running", "1")) {
		t.Error("another container lacks nothing")
	}
}
