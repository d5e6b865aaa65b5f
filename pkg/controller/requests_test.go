// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// loaded is the project that a Tiltfile of these tests asks for.
type loaded model.Project

func (l loaded) Load(context.Context, engine.LoadInput) (model.Project, error) {
	return model.Project(l), nil
}

// nothing starts no updates.
type nothing struct{}

func (nothing) StartUpdate(engine.UpdateRequest) (engine.Activity, error) {
	return nil, errors.New("nothing is started here")
}

// newRequested runs an engine with the resources "on", "off", which is
// disabled, and "late", until the end of the test.
func newRequested(t *testing.T) *requested {
	t.Helper()
	resource := func(name string, labels ...string) model.Resource {
		return model.Resource{Name: name, Labels: labels, Update: &model.Command{Argv: []string{name}}, TriggerMode: model.TriggerManual}
	}
	e := engine.New(engine.Config{
		Tiltfile: "/Tiltfile",
		Args:     []string{"first"},
		Load: loaded{
			Resources:          []model.Resource{resource("on", "a"), resource("off", "a", "b"), resource("late", "b")},
			Enabled:            model.Selection{Names: []string{"on", "late"}},
			MaxParallelUpdates: 1,
		},
		Updates: nothing{},
		Logs:    logs.New(1<<20, testingclock.NewFakeClock(start)),
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	eventually(t, func() bool { return e.Snapshot().Tiltfile.Evaluations > 0 })
	running := NewRunning()
	running.add("Tiltfile", e)
	run, found := running.Run("Tiltfile")
	if !found {
		t.Fatal("the run isn't found")
	}
	return run.(*requested)
}

// What a dry run tells is what the request then does.
func TestDryRuns(t *testing.T) {
	type request struct {
		name string
		ask  func(r *requested, dryRun bool) (any, error)
	}
	var requests []request
	for _, names := range [][]string{{"on"}, {"on", "late", "on"}, {"(Tiltfile)"}, {"off"}, {"on", "none"}} {
		requests = append(requests, request{fmt.Sprintf("trigger %q", names), func(r *requested, dryRun bool) (any, error) {
			return r.Trigger(t.Context(), &v1alpha1.SessionTriggerSpec{Resources: names}, dryRun)
		}})
	}
	for _, spec := range []v1alpha1.SessionEnableSpec{
		{Resources: []string{"on"}}, {Resources: []string{"off", "off"}}, {Labels: []string{"b"}}, {All: true},
		{Resources: []string{"off"}, Only: true}, {Labels: []string{"a"}, Resources: []string{"late"}, Only: true},
		{Resources: []string{"on", "none"}}, {Resources: []string{"(Tiltfile)"}}, {Labels: []string{"none"}},
	} {
		requests = append(requests, request{fmt.Sprintf("enable %+v", spec), func(r *requested, dryRun bool) (any, error) {
			return r.Enable(t.Context(), &spec, dryRun)
		}})
	}
	for _, spec := range []v1alpha1.SessionDisableSpec{
		{Resources: []string{"on"}}, {Resources: []string{"off"}}, {Labels: []string{"a"}}, {All: true},
		{Resources: []string{"none"}}, {Resources: []string{"on", "(Tiltfile)"}},
	} {
		requests = append(requests, request{fmt.Sprintf("disable %+v", spec), func(r *requested, dryRun bool) (any, error) {
			return r.Disable(t.Context(), &spec, dryRun)
		}})
	}
	for _, request := range requests {
		t.Run(request.name, func(t *testing.T) {
			t.Parallel()
			r := newRequested(t)
			tried, triedErr := request.ask(r, true)
			again, _ := request.ask(r, true)
			if diff := cmp.Diff(tried, again); diff != "" {
				t.Errorf("the dry run has changed something:\n%s", diff)
			}
			did, didErr := request.ask(r, false)
			if diff := cmp.Diff(tried, did); diff != "" {
				t.Errorf("answers (-dry run +request):\n%s", diff)
			}
			if fmt.Sprint(triedErr) != fmt.Sprint(didErr) {
				t.Errorf("a dry run fails with %v, the request with %v", triedErr, didErr)
			}
		})
	}
}

// failing is a run of which nothing succeeds.
type failing struct {
	Requests
	err error
}

func (f failing) Trigger(context.Context, []string) error                         { return f.err }
func (f failing) Enable(context.Context, engine.Selector, bool) ([]string, error) { return nil, f.err }
func (f failing) Disable(context.Context, engine.Selector) ([]string, error)      { return nil, f.err }

func TestRequestErrors(t *testing.T) {
	for _, test := range []struct {
		err     error
		code    int32
		reason  metav1.StatusReason
		cause   metav1.CauseType
		message string
	}{
		{&engine.UnknownError{Name: "x"}, http.StatusNotFound, metav1.StatusReasonNotFound, metav1.CauseTypeFieldValueNotFound, `no such resource "x"`},
		{&engine.DisabledError{Name: "x"}, http.StatusConflict, metav1.StatusReasonConflict, v1alpha1.CauseTypeResourceDisabled, `resource "x" is currently disabled`},
		{engine.ErrNotSwitchable, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, metav1.CauseTypeForbidden, `(Tiltfile) cannot be enabled or disabled`},
		{engine.ErrEnded, http.StatusConflict, metav1.StatusReasonConflict, "", `Operation cannot be fulfilled on sessions.tilt.dev "Tiltfile": the run has ended`},
		{context.DeadlineExceeded, http.StatusGatewayTimeout, metav1.StatusReasonTimeout, "", `Timeout: the run of Session "Tiltfile" did not answer in time`},
		{errors.New("odd"), http.StatusInternalServerError, metav1.StatusReasonInternalError, "", `Internal error occurred: ask the run of Session "Tiltfile": odd`},
	} {
		r := &requested{session: "Tiltfile", run: failing{err: test.err}}
		_, trigger := r.Trigger(t.Context(), &v1alpha1.SessionTriggerSpec{}, false)
		_, enable := r.Enable(t.Context(), &v1alpha1.SessionEnableSpec{}, false)
		_, disable := r.Disable(t.Context(), &v1alpha1.SessionDisableSpec{}, false)
		for what, err := range map[string]error{"trigger": trigger, "enable": enable, "disable": disable} {
			message := test.message
			if what == "trigger" && test.code == http.StatusNotFound {
				message = `resource "x" does not exist`
			}
			var status *apierrors.StatusError
			if !errors.As(err, &status) {
				t.Errorf("%s: %v", what, err)
				continue
			}
			got := status.Status()
			if got.Code != test.code || got.Reason != test.reason || got.Message != message || got.Status != metav1.StatusFailure {
				t.Errorf("%s: %+v, want %d %s %q", what, got, test.code, test.reason, message)
			}
			if test.cause != "" && !apierrors.HasStatusCause(err, test.cause) {
				t.Errorf("%s: the cause isn't %s: %+v", what, test.cause, got.Details)
			}
		}
	}
}

// A run is found from its beginning on.
func TestRunning(t *testing.T) {
	s := newStage(t, "a")
	s.begin()
	if _, found := s.config.Running.Run("a"); found {
		t.Error("a run is found before it has begun")
	}
	s.create(newSession("a", v1alpha1.ExitConditionManual))
	s.actor("a")
	eventually(t, func() bool { _, found := s.config.Running.Run("a"); return found })
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if _, found := s.config.Running.Run("a"); !found {
		t.Error("a run isn't found after it has ended")
	}
}

// Runs that have ended stay until their Sessions are gone, or too many others have ended after them.
func TestRunningKeepsEndedRuns(t *testing.T) {
	running := NewRunning()
	found := func(name string) bool { _, found := running.Run(name); return found }
	for i := range maxEnded + 1 {
		name := fmt.Sprint(i)
		running.add(name, nil)
		running.end(name)
	}
	if found("0") || !found("1") {
		t.Errorf("found the oldest: %v, the second oldest: %v", found("0"), found("1"))
	}
	running.forget("1")
	if found("1") {
		t.Error("the run of a Session that's gone is found")
	}
	running.add("2", nil)
	running.forget("2")
	running.add("active", nil)
	running.forget("active")
	if !found("2") || !found("active") {
		t.Error("a run that hasn't ended isn't found when its Session is gone")
	}
	for i := range maxEnded {
		running.add(fmt.Sprint("more", i), nil)
		running.end(fmt.Sprint("more", i))
	}
	if !found("2") || found("3") {
		t.Errorf("found the one that was begun again: %v, one that has ended long ago: %v", found("2"), found("3"))
	}
}

func TestSourcesOfImages(t *testing.T) {
	snap := &engine.Snapshot{Images: []engine.ResourceState{
		{Name: "image:base", Resources: []string{"api", "web"}}, {Name: "image:web", Resources: []string{"web"}},
	}}
	for _, c := range []struct{ resources, want []string }{
		{nil, nil},
		{[]string{"web"}, []string{"web", "image:base", "image:web"}},
		{[]string{"api", "image:base"}, []string{"api", "image:base"}},
		{[]string{"other"}, []string{"other"}},
	} {
		if got := sourcesOf(snap, c.resources); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.resources, got, c.want)
		}
	}
}
