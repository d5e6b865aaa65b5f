// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

var epoch = time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC)

// at is a moment of the run in seconds.
func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

func none(string) *v1alpha1.UIResource { return nil }

var plain = Projection{Session: "Tiltfile", Redact: func(s string) string { return s }}

// projected returns the UIResource of a resource, as the only one of its Tiltfile.
func projected(t *testing.T, r engine.ResourceState, before *v1alpha1.UIResource, now time.Time) *v1alpha1.UIResource {
	t.Helper()
	list := plain.Resources(&engine.Snapshot{StartTime: epoch, Resources: []engine.ResourceState{r}},
		func(name string) *v1alpha1.UIResource {
			if name == r.Name {
				return before
			}
			return nil
		}, now)
	if len(list) != 2 || list[0].Name != model.TiltfileResource || list[1].Name != r.Name || list[1].Status.Order != 1 {
		t.Fatalf("list = %+v", list)
	}
	return list[1]
}

// verdicts are the statuses and conditions in one line.
func verdicts(r *v1alpha1.UIResource) string {
	words := []string{string(r.Status.UpdateStatus), string(r.Status.RuntimeStatus)}
	for _, c := range r.Status.Conditions {
		words = append(words, string(c.Type)+"="+string(c.Status), c.Reason)
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

func TestStatuses(t *testing.T) {
	ok, failed := &engine.Exit{Start: at(1), Finish: at(2)}, &engine.Exit{Start: at(1), Finish: at(2), Error: "exit status 1"}
	update := func(u engine.UpdateState) *engine.UpdateState { return &u }
	phase := func(p engine.Phase) *engine.RuntimeState {
		return &engine.RuntimeState{Verb: "serve", Running: &engine.Running{Phase: p, Start: at(3)}}
	}
	for name, test := range map[string]struct {
		disabled bool
		update   *engine.UpdateState
		runtime  *engine.RuntimeState
		want     string
	}{
		"never asked for": {update: update(engine.UpdateState{}),
			want: "none not_applicable UpToDate=False Unknown Ready=False Unknown"},
		"waits": {update: update(engine.UpdateState{Hold: engine.HoldWaitingForDep}),
			want: "pending not_applicable UpToDate=False UpdatePending Ready=False UpdatePending"},
		"runs": {update: update(engine.UpdateState{Running: at(1), Last: ok}),
			want: "in_progress not_applicable UpToDate=False UpdatePending Ready=False UpdatePending"},
		"succeeded": {update: update(engine.UpdateState{Last: ok}),
			want: "ok not_applicable UpToDate=True Ready=True"},
		"failed": {update: update(engine.UpdateState{Last: failed}),
			want: "error not_applicable UpToDate=False UpdateError Ready=False UpdateError"},
		"succeeded, and has changes that no one has triggered": {
			update: update(engine.UpdateState{Last: ok, Hold: engine.HoldPendingTrigger}),
			want:   "ok not_applicable UpToDate=True Ready=True"},
		"disabled": {disabled: true, update: update(engine.UpdateState{Last: ok}), runtime: phase(engine.Ready),
			want: "none none UpToDate=False Disabled Ready=False Disabled"},
		"a server is ready": {runtime: phase(engine.Ready), want: "not_applicable ok UpToDate=True Ready=True"},
		"a server starts": {runtime: phase(engine.Starting),
			want: "not_applicable pending UpToDate=True Ready=False RuntimePending"},
		"a server waits for its turn": {runtime: &engine.RuntimeState{Hold: engine.HoldWaitingForDep},
			want: "pending pending UpToDate=False UpdatePending Ready=False UpdatePending"},
		"a server has failed": {runtime: &engine.RuntimeState{Exit: failed},
			want: "not_applicable error UpToDate=True Ready=False RuntimeError"},
		"a server runs although its update has failed": {update: update(engine.UpdateState{Last: failed}), runtime: phase(engine.Ready),
			want: "error ok UpToDate=False UpdateError Ready=True"},
		"a server waits because its update has failed": {
			update: update(engine.UpdateState{Last: failed}), runtime: &engine.RuntimeState{Hold: engine.HoldUpdateFailed},
			want: "error pending UpToDate=False UpdateError Ready=False UpdateError"},
		"both have failed": {update: update(engine.UpdateState{Last: failed}), runtime: &engine.RuntimeState{Exit: failed},
			want: "error error UpToDate=False UpdateError Ready=False RuntimeError"},
		"a workload has ended as it should": {update: update(engine.UpdateState{Last: ok}), runtime: phase(engine.Succeeded),
			want: "ok ok UpToDate=True Ready=True"},
		"a workload isn't requested": {update: update(engine.UpdateState{}), runtime: &engine.RuntimeState{},
			want: "none none UpToDate=False Unknown Ready=False Unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			r := projected(t, engine.ResourceState{Name: "a", Disabled: test.disabled, Update: test.update, Runtime: test.runtime}, nil, at(9))
			if got := verdicts(r); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A condition is as old as its status, which time and other events don't change.
func TestTransitions(t *testing.T) {
	times := func(r *v1alpha1.UIResource) (all []string) {
		for _, c := range r.Status.Conditions {
			all = append(all, string(c.Status)+c.LastTransitionTime.Sub(epoch).String())
		}
		return all
	}
	var last *v1alpha1.UIResource
	for _, step := range []struct {
		update engine.UpdateState
		now    int
		want   []string
	}{
		{engine.UpdateState{}, 1, []string{"False1s", "False1s"}},
		{engine.UpdateState{Hold: engine.HoldStarting}, 2, []string{"False1s", "False1s"}},
		{engine.UpdateState{Last: &engine.Exit{Start: at(3), Finish: at(4)}}, 5, []string{"True4s", "True4s"}},
		{engine.UpdateState{Last: &engine.Exit{Start: at(5), Finish: at(6)}}, 7, []string{"True4s", "True4s"}},
		{engine.UpdateState{Last: &engine.Exit{Start: at(7), Finish: at(8), Error: "x"}}, 9, []string{"False8s", "False8s"}},
	} {
		last = projected(t, engine.ResourceState{Name: "a", Update: &step.update}, last, at(step.now))
		if diff := cmp.Diff(step.want, times(last)); diff != "" {
			t.Errorf("at %d (-want +got):\n%s", step.now, diff)
		}
	}
	another := last.DeepCopy()
	another.CreationTimestamp = metav1.NewTime(at(-1))
	update := engine.UpdateState{Last: &engine.Exit{Finish: at(10), Error: "x"}}
	r := projected(t, engine.ResourceState{Name: "a", Update: &update}, another, at(11))
	if diff := cmp.Diff([]string{"False10s", "False10s"}, times(r)); diff != "" {
		t.Errorf("after another run (-want +got):\n%s", diff)
	}
}

// What a resource with everything shows.
func TestResource(t *testing.T) {
	code := 3
	r := projected(t, engine.ResourceState{
		Name: "web", Labels: []string{"front"},
		Spec: &model.Resource{
			Name: "web", ResourceDeps: []string{"db", "api"}, Images: []string{"web"}, TriggerMode: model.TriggerManual,
			AutoInit: true, Links: []model.Link{{Name: "n", URL: "http://x/"}}, Position: model.Position{File: "/T", Line: 7},
			LiveUpdates: []model.LiveUpdate{{Image: "web"}}, Runtime: &model.Server{},
		},
		Update: &engine.UpdateState{
			Command: "make", Hold: engine.HoldBuildingImage, Pending: at(20), Triggered: true,
			Wait: &engine.Wait{Since: at(21), On: []string{"db", "image:web"}},
			History: &engine.History{Ended: []*engine.Build{
				{Number: 2, Queued: at(5), Allowed: at(6), Start: at(7), Finish: at(8), Reason: engine.BuildFiles, Files: []string{"/f"}, Changed: 3,
					FirstLine: 10, EndLine: 12},
				{Number: 1, Start: at(1), Finish: at(2), Reason: engine.BuildInitial, Error: "exit status 3", Code: &code, Attempt: 1},
			}},
		},
		Runtime: &engine.RuntimeState{Command: "serve", Ready: at(10), Running: &engine.Running{PID: 42, Phase: engine.Ready, Start: at(9)}},
	}, nil, at(30))
	moment := func(s int) metav1.MicroTime { return metav1.NewMicroTime(at(s)) }
	pointer := func(s int) *metav1.MicroTime { m := moment(s); return &m }
	exit := int32(3)
	want := v1alpha1.UIResourceStatus{
		UpdateStatus: v1alpha1.UpdateStatusPending, RuntimeStatus: v1alpha1.RuntimeStatusOK,
		LastDeployTime: moment(8), PendingBuildSince: moment(20), HasPendingChanges: true, Queued: true,
		TriggerMode: v1alpha1.TriggerModeManualWithAutoInit, Order: 1,
		BuildHistory: []v1alpha1.UIBuildTerminated{
			{StartTime: moment(7), FinishTime: moment(8), SpanID: "build:web:2", ReadyTime: pointer(10), UIBuildCause: v1alpha1.UIBuildCause{
				QueuedTime: pointer(5), AllowedTime: pointer(6), Reason: "files", ChangedFiles: []string{"/f"}, ChangedFileCount: 3,
				FirstLine: 10, EndLine: 12}},
			{StartTime: moment(1), FinishTime: moment(2), SpanID: "build:web:1", Error: "exit status 3", ExitCode: &exit,
				UIBuildCause: v1alpha1.UIBuildCause{Reason: "initial", Attempt: 1}},
		},
		EndpointLinks:     []v1alpha1.UIResourceLink{{URL: "http://x/", Name: "n"}},
		LocalResourceInfo: &v1alpha1.UIResourceLocal{PID: 42},
		Specs: []v1alpha1.UIResourceTargetSpec{
			{ID: "image:web", Type: v1alpha1.UIResourceTargetTypeImage, HasLiveUpdate: true},
			{ID: "local:web", Type: v1alpha1.UIResourceTargetTypeLocal},
		},
		DisableStatus: v1alpha1.DisableResourceStatus{EnabledCount: 1, State: v1alpha1.DisableStateEnabled},
		Waiting: &v1alpha1.UIResourceStateWaiting{Reason: "building-component", Since: pointer(21), On: []v1alpha1.UIResourceStateWaitingOnRef{
			{Group: "tilt.dev", APIVersion: "v1alpha1", Kind: "UIResource", Name: "db"},
			{Group: "tilt.dev", APIVersion: "v1alpha1", Kind: "Image", Name: "web"},
		}},
		Dependencies: []string{"api", "db", "image:web"}, UpdateCommand: "make", ServeCommand: "serve", Position: "/T:7",
		Conditions: r.Status.Conditions,
	}
	if diff := cmp.Diff(want, r.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"front": "front", v1alpha1.UISession: "Tiltfile", v1alpha1.UIName: "web"}, r.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// Among many Sessions names begin with that of the Session. What isn't valid as a label is an annotation alone.
func TestQualifiedNames(t *testing.T) {
	p := Projection{Session: strings.Repeat("s", 70), Qualified: true, Redact: strings.ToUpper}
	snap := &engine.Snapshot{
		Resources: []engine.ResourceState{{Name: "a b", Update: &engine.UpdateState{Command: "secret", Hold: engine.HoldWaitingForDep,
			Wait: &engine.Wait{On: []string{"c"}}}}},
		Buttons: []model.Button{
			{Name: "x", ComponentType: "Resource", ComponentID: "a b", Annotations: map[string]string{v1alpha1.UIName: "lie", "k": "v"}},
			{Name: "nav", ComponentType: "Global", ComponentID: "nav"},
		},
	}
	r := p.Resources(snap, none, epoch)[1]
	if r.Name != p.Session+".a b" || len(r.Labels) != 0 || r.Annotations[v1alpha1.UIName] != "a b" || r.Annotations[v1alpha1.UISession] != p.Session ||
		r.Status.Waiting.On[0].Name != p.Session+".c" || r.Status.UpdateCommand != "SECRET" {
		t.Errorf("resource = %+v", r)
	}
	buttons := p.Buttons(snap)
	if b := buttons[0]; b.Name != p.Session+".x" || b.Spec.Location.ComponentID != r.Name || b.Annotations["k"] != "v" || b.Annotations[v1alpha1.UIName] != "x" {
		t.Errorf("button = %+v", b)
	}
	if id := buttons[1].Spec.Location.ComponentID; id != "nav" {
		t.Errorf("the place of a global button is %q", id)
	}
	snap.Buttons[0].ComponentID = "web"
	buttons = p.Buttons(snap)
	if of := buttons[0].Labels[v1alpha1.UIName]; of != "web" {
		t.Errorf("a button of web has the label of %q", of)
	}
	if of, ok := buttons[1].Labels[v1alpha1.UIName]; ok {
		t.Errorf("a global button has the label of %q", of)
	}
}

func TestInputs(t *testing.T) {
	yes, empty, hidden := "--yes", "", "h"
	button := plain.Buttons(&engine.Snapshot{Buttons: []model.Button{{Inputs: []model.ButtonInput{
		{Name: "T", Text: &model.TextInput{Default: "t"}}, {Name: "B", Bool: &model.BoolInput{Default: true, True: &yes, False: &empty}},
		{Name: "P", Bool: &model.BoolInput{}}, {Name: "H", Hidden: &hidden}, {Name: "C", Choice: &model.ChoiceInput{Choices: []string{"x", "y"}}},
		{Name: "N", Choice: &model.ChoiceInput{}},
	}}}})[0]
	if diff := cmp.Diff([]string{"T=t", "B=--yes", "P=false", "H=h", "C=x", "N="}, Inputs(button)); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	button.Status.Inputs = []v1alpha1.UIInputStatus{
		{Name: "T", Text: &v1alpha1.UITextInputStatus{}}, {Name: "B", Bool: &v1alpha1.UIBoolInputStatus{}},
		{Name: "P", Bool: &v1alpha1.UIBoolInputStatus{Value: true}}, {Name: "H", Hidden: &v1alpha1.UIHiddenInputStatus{Value: "other"}},
		{Name: "C", Choice: &v1alpha1.UIChoiceInputStatus{Value: "y"}}, {Name: "N", Text: &v1alpha1.UITextInputStatus{Value: "wrong"}},
	}
	if diff := cmp.Diff([]string{"T=", "B=", "P=true", "H=h", "C=y", "N="}, Inputs(button)); diff != "" {
		t.Errorf("given values (-want +got):\n%s", diff)
	}
}

// What a run knows of workloads and services.
func TestKinds(t *testing.T) {
	running := &engine.Running{Phase: engine.Pending, Reason: "ContainerCreating", Start: at(2)}
	r := projected(t, engine.ResourceState{Name: "k",
		Spec: &model.Resource{Name: "k", AutoInit: true,
			Update:  &model.Deploy{Objects: []model.Object{{"kind": "Deployment", "metadata": map[string]any{"name": "web"}}}},
			Runtime: &model.Workload{PortForwards: []model.PortForward{{Local: 8080, Path: "/x", Name: "n"}, {Host: "::1", Local: 1}, {Container: 80}}}},
		Update:  &engine.UpdateState{Last: &engine.Exit{Start: at(1), Finish: at(2)}},
		Runtime: &engine.RuntimeState{Verb: "runtime", Running: running, Detail: "pulling", Restarts: 2},
	}, nil, at(3))
	want := &v1alpha1.UIResourceKubernetes{PodUpdateStartTime: metav1.NewTime(at(1)), PodStatus: "ContainerCreating",
		PodStatusMessage: "pulling", PodRestarts: 2, DisplayNames: []string{"web:deployment"}}
	if diff := cmp.Diff(want, r.Status.K8sResourceInfo); diff != "" {
		t.Errorf("workload (-want +got):\n%s", diff)
	}
	links := []v1alpha1.UIResourceLink{{URL: "http://localhost:8080/x", Name: "n"}, {URL: "http://[::1]:1/"}}
	if diff := cmp.Diff(links, r.Status.EndpointLinks); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if w := r.Status.Waiting; w == nil || w.Reason != "ContainerCreating" || r.Status.Specs[0].ID != "k8s:k" {
		t.Errorf("status = %+v", r.Status)
	}
	service := projected(t, engine.ResourceState{Name: "c", Spec: &model.Resource{Name: "c", Update: &model.ComposeUp{}},
		Update:  &engine.UpdateState{Last: &engine.Exit{}},
		Runtime: &engine.RuntimeState{Verb: "runtime", Probed: true, Running: &engine.Running{Phase: engine.Ready}}}, nil, at(3))
	if info := service.Status.ComposeResourceInfo; info == nil || info.HealthStatus != "healthy" || service.Status.LocalResourceInfo != nil ||
		service.Status.TriggerMode != v1alpha1.TriggerModeAutoWithManualInit || service.Status.Specs[0].Type != v1alpha1.UIResourceTargetTypeDockerCompose {
		t.Errorf("status = %+v", service.Status)
	}
}

func TestTiltfile(t *testing.T) {
	snap := &engine.Snapshot{Tiltfile: engine.TiltfileState{Path: "/T", Last: &engine.Exit{Start: at(1), Finish: at(2)},
		History: &engine.History{Ended: []*engine.Build{{Number: 1, Start: at(1), Finish: at(2)}}}}}
	r := plain.Resources(snap, none, at(3))[0]
	if got := verdicts(r); got != "ok not_applicable UpToDate=True Ready=True" || r.Status.Order != 0 || r.Status.Position != "/T" ||
		!r.Status.LastDeployTime.Equal(&r.Status.BuildHistory[0].FinishTime) {
		t.Errorf("%s: %+v", got, r)
	}
}
