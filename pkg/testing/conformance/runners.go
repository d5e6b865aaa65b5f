// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const runnersPath = versionPath + "/runners"

// runnerResources are how Runners are discovered.
var runnerResources = []metav1.APIResource{
	{Name: "runners", SingularName: "runner", Kind: "Runner", Verbs: mainVerbs, Categories: []string{"tilt"}},
	{Name: "runners/status", Kind: "Runner", Verbs: statusVerbs},
}

// runnerTypes has the wire contract of the types of a server with Runners.
var runnerTypes = map[string]properties{
	"Runner":     {required: []string{"spec"}, optional: []string{"apiVersion", "kind", "metadata", "status"}},
	"RunnerList": {required: []string{"items"}, optional: []string{"apiVersion", "kind", "metadata"}},
	"RunnerSpec": {
		required: []string{"capacity", "leaseDurationSeconds"},
		optional: []string{"caBundle", "clientCABundle", "endpoint", "user"},
	},
	"RunnerStatus": {optional: []string{"draining", "renewTime", "running"}},
}

// checkRunners checks how processes register to run Sessions, and how they claim them.
func checkRunners(t *testing.T, s *server) {
	t.Run("Claims", func(t *testing.T) { t.Parallel(); checkClaims(t, s) })
	if !s.Runners {
		s.get(t, runnersPath).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	t.Run("Record", func(t *testing.T) { t.Parallel(); checkRunnerRecord(t, s) })
	t.Run("Refused", func(t *testing.T) { t.Parallel(); checkRunnerRefused(t, s) })
}

func newRunner(name string) *v1alpha1.Runner {
	return &v1alpha1.Runner{
		TypeMeta:   metav1.TypeMeta{APIVersion: "tilt.dev/v1alpha1", Kind: "Runner"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"gpu": "yes"}},
		Spec:       v1alpha1.RunnerSpec{Capacity: 4, LeaseDurationSeconds: 15},
	}
}

// checkRunnerRecord follows the record of a Runner from its registration to its end.
func checkRunnerRecord(t *testing.T, s *server) {
	registered := newRunner(strings.ToLower(unique(t)))
	registered.Spec.User, registered.Status.Running = "somebody-else", 7
	at := runnersPath + "/" + registered.Name
	var created, renewed v1alpha1.Runner
	s.do(t, http.MethodPost, runnersPath, registered).want(http.StatusCreated).into(&created)
	if created.Spec.User == "" || created.Spec.User == "somebody-else" || created.Status.Running != 0 ||
		created.Generation != 1 {
		t.Errorf("created: %+v", created)
	}
	now := metav1.NewMicroTime(time.Now())
	change := created.DeepCopy()
	change.Spec.Capacity, change.Labels = 1, nil
	change.Status = v1alpha1.RunnerStatus{RenewTime: &now, Running: 2, Draining: true}
	s.do(t, http.MethodPut, at+"/status", change).want(http.StatusOK).into(&renewed)
	if renewed.Spec.Capacity != 4 || renewed.Labels["gpu"] != "yes" || renewed.Status.Running != 2 ||
		renewed.Generation != 1 || renewed.Status.RenewTime == nil {
		t.Errorf("renewed: %+v", renewed)
	}
	s.do(t, http.MethodPut, at+"/status", change).failure(http.StatusConflict, metav1.StatusReasonConflict)
	s.patch(t, at, `{"spec":{"leaseDurationSeconds":20}}`, contentMerge).
		failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	s.patch(t, at, `{"spec":{"capacity":8,"user":"somebody-else"},"status":{"running":9}}`, contentMerge).
		want(http.StatusOK).into(&renewed)
	if renewed.Spec.Capacity != 8 || renewed.Spec.User != created.Spec.User || renewed.Status.Running != 2 ||
		renewed.Generation != 2 {
		t.Errorf("changed: %+v", renewed)
	}
	row := s.table(t, at).Rows[0]
	if diff := cmp.Diff([]any{registered.Name, "Draining", 2.0, 8.0}, row.Cells[:4]); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	s.do(t, http.MethodDelete, at, nil).want(http.StatusOK)
	s.get(t, at).failure(http.StatusNotFound, metav1.StatusReasonNotFound)
}

// checkRunnerRefused checks that a record with faults is refused, with a reason that names the field.
func checkRunnerRefused(t *testing.T, s *server) {
	for _, refused := range []struct {
		field  string
		change func(*v1alpha1.Runner)
	}{
		{"metadata.name", func(r *v1alpha1.Runner) { r.Name = "Not_a_name" }},
		{"spec.capacity", func(r *v1alpha1.Runner) { r.Spec.Capacity = 0 }},
		{"spec.leaseDurationSeconds", func(r *v1alpha1.Runner) { r.Spec.LeaseDurationSeconds = 2 }},
		{"spec.leaseDurationSeconds", func(r *v1alpha1.Runner) { r.Spec.LeaseDurationSeconds = 301 }},
		{"spec.endpoint", func(r *v1alpha1.Runner) { r.Spec.Endpoint = "http://10.0.0.7:10360" }},
		{"spec.endpoint", func(r *v1alpha1.Runner) { r.Spec.Endpoint = "https://10.0.0.7:10360/path" }},
		{"spec.endpoint", func(r *v1alpha1.Runner) { r.Spec.Endpoint = "https://user@10.0.0.7:10360" }},
		{"spec.endpoint", func(r *v1alpha1.Runner) { r.Spec.Endpoint = "https://10.0.0.7" }},
		{"spec.caBundle", func(r *v1alpha1.Runner) { r.Spec.Endpoint = "https://10.0.0.7:10360" }},
		{"spec.caBundle", func(r *v1alpha1.Runner) { r.Spec.CABundle = []byte("no certificate") }},
	} {
		runner := newRunner(strings.ToLower(unique(t)))
		refused.change(runner)
		status := s.do(t, http.MethodPost, runnersPath, runner).
			failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		if !slices.ContainsFunc(status.Details.Causes, func(c metav1.StatusCause) bool { return c.Field == refused.field }) {
			t.Errorf("the fault of %s has the causes %+v", refused.field, status.Details.Causes)
		}
	}
}

// checkClaims: a claim is made where there is none, kept, removed and never replaced.
func checkClaims(t *testing.T, s *server) {
	name := s.create(t).Name
	claim := func(uid string) *v1alpha1.SessionRunner {
		return &v1alpha1.SessionRunner{
			Name: "one", UID: types.UID(uid), ClaimTime: metav1.NewMicroTime(time.Now()), LeaseDurationSeconds: 15,
		}
	}
	write := func(change func(*v1alpha1.Session)) *answer {
		t.Helper()
		session := s.read(t, name)
		change(session)
		return s.do(t, http.MethodPut, statusPath(name), session)
	}
	conflicts := func(what string, change func(*v1alpha1.Session)) {
		t.Helper()
		t.Log(what)
		write(change).failure(http.StatusConflict, metav1.StatusReasonConflict)
	}
	s.patch(t, path(name), `{"metadata":{"finalizers":["tilt.dev/session"]}}`, contentMerge).want(http.StatusOK)
	conflicts("a claim before the last run has ended", func(s *v1alpha1.Session) { s.Status.Runner = claim("a") })
	s.patch(t, path(name), `{"metadata":{"finalizers":null}}`, contentMerge).want(http.StatusOK)
	conflicts("a claim without the version that was read", func(s *v1alpha1.Session) {
		s.ResourceVersion, s.Status.Runner = "", claim("a")
	})
	conflicts("a status of a runner that has no claim", func(s *v1alpha1.Session) {
		s.Status.Runner, s.Status.PID = claim("a"), 7
	})
	write(func(s *v1alpha1.Session) { s.Status.Runner = claim("") }).
		failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	before := s.read(t, name)
	write(func(s *v1alpha1.Session) { s.Status.Runner = claim("a") }).want(http.StatusOK)
	before.Status.Runner = claim("b")
	s.do(t, http.MethodPut, statusPath(name), before).failure(http.StatusConflict, metav1.StatusReasonConflict)
	conflicts("a claim of what is claimed", func(s *v1alpha1.Session) { s.Status.Runner = claim("b") })
	body, err := json.Marshal(map[string]any{"status": map[string]any{"runner": claim("b")}})
	if err != nil {
		t.Fatal(err)
	}
	s.patch(t, statusPath(name), string(body), contentMerge).failure(http.StatusConflict, metav1.StatusReasonConflict)
	write(func(s *v1alpha1.Session) { s.Status.PID = 7 }).want(http.StatusOK)
	if got := s.table(t, path(name)).Rows[0].Cells[9]; got != "one" {
		t.Errorf("the table says that the runner is %v", got)
	}
	write(func(s *v1alpha1.Session) { s.Status.Runner = nil }).want(http.StatusOK)
	conflicts("a status of a runner whose claim was removed", func(s *v1alpha1.Session) {
		s.Status.Runner, s.Status.PID = claim("a"), 8
	})
	write(func(s *v1alpha1.Session) { s.Status.Runner = claim("b") }).want(http.StatusOK)
	write(func(s *v1alpha1.Session) { s.Status.Runner, s.Status.Done = nil, true }).want(http.StatusOK)
	conflicts("a claim of what is done", func(s *v1alpha1.Session) { s.Status.Runner = claim("c") })
	for _, selector := range []string{`{"a b":"c"}`, `{"a":"` + strings.Repeat("x", 64) + `"}`} {
		s.patch(t, path(name), fmt.Sprintf(`{"spec":{"runnerSelector":%s}}`, selector), contentMerge).
			failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	}
}
