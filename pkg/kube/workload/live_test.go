// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/kube/workload/status"
	"tilt.dev/session/pkg/liveupdate"
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

func follow(updates ...model.LiveUpdate) *followed {
	f := &followed{}
	f.request = engine.RuntimeRequest{LiveUpdates: updates, Output: deploy.Applied{},
		Images:     map[string]model.BuiltImage{"web": {ClusterRef: "registry:5000/web:tilt-1"}},
		ReportLive: func(states []engine.LiveState) { f.states = states }}
	f.live = newLive(spec{RuntimeRequest: f.request, applied: &deploy.Applied{}})
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
			f := follow(model.LiveUpdate{Image: "web"})
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
		f := follow(updates...)
		f.observe(pods, pods, true)
		for i, s := range f.states {
			if s.Phase != want {
				t.Errorf("%+v: %+v", updates[i], s)
			}
		}
	}
}

// begun begins an update without carrying it out, and says which container gets which files.
func (f *followed) begun(t *testing.T, files ...engine.ChangedFile) (jobs []*liveJob, text []string) {
	t.Helper()
	u := &liveUpdate{done: make(chan struct{})}
	close(u.done)
	jobs, err := f.begin(t.Context(), u, engine.LiveUpdateRequest{Files: [][]engine.ChangedFile{files}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		text = append(text, fmt.Sprint(j.container.id, j.Files))
	}
	return jobs, text
}

func (f *followed) lacking() bool { return f.states[0].Lacking }

func TestLiveMarks(t *testing.T) {
	f := follow(model.LiveUpdate{Container: "app"})
	see := func(pods ...status.Pod) { f.observe(pods, pods, true) }
	a, b := podWith("a", "web", "running", "1"), podWith("b", "web", "running", "2")
	see(a, b)
	one, two, three := engine.ChangedFile{Path: "/1", Change: 1}, engine.ChangedFile{Path: "/2", Change: 2},
		engine.ChangedFile{Path: "/1", Change: 3}
	check := func(what string, got []string, lacking bool, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) || f.lacking() != lacking {
			t.Errorf("%s: %q, want %q; lacking %t", what, got, want, f.lacking())
		}
	}
	if f.lacking() {
		t.Error("containers lack what nobody asked for")
	}
	jobs, got := f.begun(t, one)
	check("the first change", got, false, "1[/1]", "2[/1]")
	f.finish(jobs)
	jobs, got = f.begun(t, one, two)
	check("the second one", got, false, "1[/2]", "2[/2]")
	// The command fails in one, and in the other nothing more is done.
	jobs[0].err, jobs[1].err = &liveupdate.RunError{}, liveupdate.ErrStopped
	f.finish(jobs)
	if !f.lacking() {
		t.Error("an update that was stopped isn't due again")
	}
	jobs, got = f.begun(t, one, two)
	check("again", got, false, "1[/2]", "2[/2]")
	f.finish(jobs)
	_, got = f.begun(t, one, two)
	check("nothing new", got, false)
	// Another container of one pod has nothing; the other pod is gone.
	see(podWith("a", "web", "waiting", ""))
	if f.lacking() {
		t.Error("a container that doesn't run lacks something")
	}
	see(podWith("a", "web", "running", "3"))
	jobs, got = f.begun(t, two, three)
	check("a new container", got, false, "3[/2 /1]")
	if len(f.marks) != 1 {
		t.Errorf("marks are left: %+v", f.marks)
	}
	// It ends meanwhile.
	see(podWith("a", "web", "ended", "3"))
	if jobs[0].ctx.Err() == nil {
		t.Error("the update of a container that has ended goes on")
	}
	jobs[0].err = liveupdate.ErrGone
	f.finish(jobs)
	see(podWith("a", "web", "running", "4"))
	if !f.lacking() {
		t.Error("its successor lacks nothing")
	}
	if end := endOf(jobs); end != (engine.End{}) {
		t.Errorf("the end is %+v", end)
	}
	// Another deploy forgets the files, a definition doesn't.
	f.request.Output = nil
	f.renew(spec{RuntimeRequest: f.request, applied: &deploy.Applied{}})
	if !f.lacking() {
		t.Error("another definition forgets the files")
	}
	f.request.Output = &deploy.Applied{}
	f.states = nil
	f.renew(spec{RuntimeRequest: f.request, applied: &deploy.Applied{At: time.Unix(1, 0)}})
	if f.states != nil {
		t.Error("the containers of the former deploy are reported")
	}
	see(podWith("a", "web", "running", "4"))
	if f.lacking() {
		t.Error("another deploy leaves a lack")
	}
}

func TestLiveInitialSync(t *testing.T) {
	f := follow(model.LiveUpdate{Container: "app", LiveSteps: model.LiveSteps{InitialSync: true}})
	pods := []status.Pod{podWith("a", "web", "running", "1")}
	f.observe(pods, pods, true)
	for i, err := range []error{&liveupdate.RunError{}, nil} {
		if lacking := i == 0; f.lacking() != lacking {
			t.Errorf("%d: lacking: %t", i, !lacking)
		}
		jobs, _ := f.begun(t)
		if len(jobs) != 1 || !jobs[0].Initial {
			t.Fatalf("%d: jobs %+v", i, jobs)
		}
		jobs[0].err = err
		f.finish(jobs)
	}
	if jobs, _ := f.begun(t); len(jobs) > 0 || f.lacking() {
		t.Error("it had an initial sync and gets another one")
	}
}

func TestLiveEnd(t *testing.T) {
	code := 3
	run := &liveupdate.RunError{Container: "a/app", Argv: []string{"x"}, Code: code}
	for name, test := range map[string]struct {
		errs          []error
		failed, build string
	}{
		"well":         {[]error{nil, nil}, "", ""},
		"gone":         {[]error{fmt.Errorf("x: %w", liveupdate.ErrGone), nil}, "", ""},
		"a command":    {[]error{run, run}, run.Error(), ""},
		"inconsistent": {[]error{nil, run}, "", "PodsInconsistent: Pods in inconsistent state. Success: pod p0. Failure: pod p1"},
		"others":       {[]error{nil, errors.New("no tar"), run}, "", "UpdateFailed: no tar"},
		"stopped":      {[]error{nil, liveupdate.ErrStopped}, "stopped", ""},
	} {
		var jobs []*liveJob
		for i, err := range test.errs {
			p := podWith(fmt.Sprintf("p%d", i), "web", "running", "1")
			jobs = append(jobs, &liveJob{container: &container{pod: p.Pod, name: "app"}, err: err})
		}
		end := endOf(jobs)
		if end.Error != test.failed || end.Rebuild != test.build || (end.Code != nil) != (name == "a command") {
			t.Errorf("%s: %+v", name, end)
		}
	}
}
