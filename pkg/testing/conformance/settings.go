// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// checkSettings checks the optional fields of the spec, the annotations that they replace, and the args subresource.
func checkSettings(t *testing.T, s *server) {
	t.Run("Fields", func(t *testing.T) { t.Parallel(); checkSettingFields(t, s) })
	t.Run("Annotations", func(t *testing.T) { t.Parallel(); checkSettingAnnotations(t, s) })
	t.Run("Args", func(t *testing.T) { t.Parallel(); checkArgs(t, s) })
	t.Run("ArgsManagers", func(t *testing.T) { t.Parallel(); checkArgsManagers(t, s) })
	t.Run("ArgsConflicts", func(t *testing.T) { t.Parallel(); checkArgsConflicts(t, s) })
}

func checkSettingFields(t *testing.T, s *server) {
	hour := int32(3600)
	session := s.create(t, func(session *v1alpha1.Session) {
		session.Spec.Args, session.Spec.KeepGoing, session.Spec.TTLSecondsAfterFinished = []string{"web", "a b", ""}, true, &hour
	})
	want := v1alpha1.SessionSpec{TiltfilePath: session.Spec.TiltfilePath, ExitCondition: session.Spec.ExitCondition,
		Args: []string{"web", "a b", ""}, KeepGoing: true, TTLSecondsAfterFinished: &hour}
	if diff := cmp.Diff(want, s.read(t, session.Name).Spec); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	for i, patch := range []string{`{"spec":{"args":["web"]}}`, `{"spec":{"keepGoing":false}}`, `{"spec":{"ttlSecondsAfterFinished":0}}`} {
		if got := s.patch(t, path(session.Name), patch, contentMerge).want(http.StatusOK).session(); got.Generation != int64(i+2) {
			t.Errorf("%s: generation %d", patch, got.Generation)
		}
	}
	s.patch(t, path(session.Name), `{"spec":{"args":[],"ttlSecondsAfterFinished":null}}`, contentMerge).want(http.StatusOK)
	spec := s.get(t, path(session.Name)).want(http.StatusOK).object().Object["spec"].(map[string]any)
	for _, field := range []string{"args", "keepGoing", "ttlSecondsAfterFinished"} {
		if value, set := spec[field]; set {
			t.Errorf("%s isn't set, but answered as %v", field, value)
		}
	}
}

// checkSettingAnnotations: a write that sets an annotation without effect is answered
// with a warning that names the field.
func checkSettingAnnotations(t *testing.T, s *server) {
	session := newSession(unique(t))
	s.remove(t, session.Name)
	session.Annotations = map[string]string{"tilt.dev/args": "web"}
	warned := func(answer *answer, want ...string) {
		t.Helper()
		if got := answer.Header.Values("Warning"); !slices.Equal(got, want) {
			t.Errorf("%s: warnings %q, want %q", answer.Request.Method, got, want)
		}
	}
	const (
		args      = `299 - "annotation \"tilt.dev/args\" has no effect: use spec.args"`
		keepGoing = `299 - "annotation \"tilt.dev/keep-going\" has no effect: use spec.keepGoing"`
		ttl       = `299 - "annotation \"tilt.dev/ttl-after-finished\" has no effect: use spec.ttlSecondsAfterFinished"`
	)
	warned(s.do(t, http.MethodPost, sessionsPath+"?dryRun=All", session).want(http.StatusCreated), args)
	warned(s.do(t, http.MethodPost, sessionsPath, session).want(http.StatusCreated), args)
	at := path(session.Name)
	warned(s.patch(t, at, `{"metadata":{"labels":{"a":"b"},"annotations":{"tilt.dev/args":"web"}},"spec":{"keepGoing":true}}`, contentMerge).want(http.StatusOK))
	warned(s.patch(t, at, `{"metadata":{"annotations":{"tilt.dev/args":"worker"}}}`, contentMerge).want(http.StatusOK), args)
	warned(s.patch(t, at+"?fieldManager=one", `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"`+session.Name+`",
		"annotations":{"tilt.dev/keep-going":"true","tilt.dev/ttl-after-finished":"1h"}}}`, contentApply).want(http.StatusOK), keepGoing, ttl)
	warned(s.patch(t, statusPath(session.Name), `{"metadata":{"annotations":{"tilt.dev/args":"other"}},"status":{"pid":7}}`, contentMerge).want(http.StatusOK))
	warned(s.patch(t, at, `{"metadata":{"annotations":{"tilt.dev/args":null}}}`, contentMerge).want(http.StatusOK))
	if got := s.read(t, session.Name).Spec; len(got.Args) > 0 || got.TTLSecondsAfterFinished != nil {
		t.Errorf("an annotation has an effect: %+v", got)
	}
}

// postArgs replaces the arguments of a Session. The metadata are members of an object.
func (s *server) postArgs(t *testing.T, name, query, metadata, args string) *answer {
	t.Helper()
	return s.do(t, http.MethodPost, path(name)+"/args"+query,
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"SessionArgs","metadata":{`+metadata+`},"spec":{"args":`+args+`}}`)
}

func checkArgs(t *testing.T, s *server) {
	s.get(t, path(unique(t))+"/args").failure(http.StatusNotFound, metav1.StatusReasonNotFound)
	session := s.create(t)
	name := session.Name
	check := func(answer *answer, changed bool, want ...string) {
		t.Helper()
		var args v1alpha1.SessionArgs
		answer.into(&args)
		if args.Kind != "SessionArgs" || args.Name != name || args.UID != session.UID || args.ResourceVersion == "" ||
			args.Spec.Args == nil || !slices.Equal(args.Spec.Args, want) || args.Status.Changed != changed {
			t.Errorf("%s: %+v, want %q", answer.Request.Method, args, want)
		}
	}
	check(s.get(t, path(name)+"/args").want(http.StatusOK), false)
	check(s.postArgs(t, name, "?dryRun=All", "", `["web"]`).want(http.StatusCreated), true, "web")
	check(s.postArgs(t, name, "", "", `[]`).want(http.StatusCreated), false)
	s.quiet(t, session)
	before := s.read(t, name)
	check(s.postArgs(t, name, "", "", `["web","a b",""]`).want(http.StatusCreated), true, "web", "a b", "")
	stored := s.read(t, name)
	before.Spec.Args = []string{"web", "a b", ""}
	if diff := cmp.Diff(before.Spec, stored.Spec); diff != "" || stored.Generation != 2 {
		t.Errorf("generation %d, spec (-want +got):\n%s", stored.Generation, diff)
	}
	check(s.get(t, path(name)+"/args").want(http.StatusOK), false, "web", "a b", "")
	check(s.postArgs(t, name, "", "", `["web","a b",""]`).want(http.StatusCreated), false, "web", "a b", "")
	s.quiet(t, stored)
	check(s.postArgs(t, name, "", "", `[]`).want(http.StatusCreated), true)
	s.postArgs(t, name, "", "", `["`+strings.Repeat("a", 256<<10+1)+`"]`).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)

	s.setStatus(t, name, fullStatus())
	s.postArgs(t, name, "", "", `["late"]`).failure(http.StatusConflict, metav1.StatusReasonConflict)
	check(s.get(t, path(name)+"/args").want(http.StatusOK), false)
}

// checkArgsManagers: the client that posts arguments manages them.
func checkArgsManagers(t *testing.T, s *server) {
	name := unique(t)
	s.remove(t, name)
	const spec = `"tiltfilePath":"/a","exitCondition":"ci"`
	s.apply(t, path(name), name, "one", `"spec":{`+spec+`,"args":["web"]}`).want(http.StatusCreated)
	s.postArgs(t, name, "?fieldManager=two", "", `["worker"]`).want(http.StatusCreated)
	wantOwned(t, s.read(t, name), "two", "args", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{"f:args":{}}}`)

	conflict := s.apply(t, path(name), name, "one", `"spec":{`+spec+`,"args":["web"]}`).failure(http.StatusConflict, metav1.StatusReasonConflict)
	if causes := conflict.Details.Causes; len(causes) != 1 || causes[0].Field != ".spec.args" || !strings.Contains(causes[0].Message, `"two"`) {
		t.Errorf("causes = %+v", causes)
	}
	s.apply(t, path(name)+"?force=true", name, "one", `"spec":{`+spec+`,"args":["web"]}`).want(http.StatusOK)
	if fields, _ := owned(s.read(t, name), "two", "args"); fields != "" {
		t.Errorf("the manager that has lost the arguments owns %s", fields)
	}
	s.do(t, http.MethodPost, path(name)+"/args", `{"spec":{"args":["x"]}}`, "User-Agent: program/1.0 (os)").want(http.StatusCreated)
	wantOwned(t, s.read(t, name), "program", "args", metav1.ManagedFieldsOperationUpdate, `{"f:spec":{"f:args":{}}}`)
}

// checkArgsConflicts: arguments that were posted for another version of the Session aren't stored.
func checkArgsConflicts(t *testing.T, s *server) {
	session := s.create(t)
	current := s.patch(t, path(session.Name), `{"metadata":{"labels":{"a":"b"}}}`, contentMerge).want(http.StatusOK).session()
	for _, query := range []string{"", "?dryRun=All"} {
		s.postArgs(t, session.Name, query, `"resourceVersion":"`+session.ResourceVersion+`"`, `["web"]`).failure(http.StatusConflict, metav1.StatusReasonConflict)
		s.postArgs(t, session.Name, query, `"resourceVersion":"first"`, `["web"]`).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	}
	s.quiet(t, current)
	current = s.read(t, session.Name)
	s.postArgs(t, session.Name, "", `"resourceVersion":"`+current.ResourceVersion+`"`, `["web"]`).want(http.StatusCreated)
}
