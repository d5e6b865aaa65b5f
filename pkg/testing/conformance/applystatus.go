// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	readyCondition  = `{"type":"Ready","status":"False","reason":"Starting","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}`
	failedCondition = `{"type":"Failed","status":"False","reason":"Running","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}`
	webTarget       = `{"name":"web:serve","type":"server","resources":["web"],"state":{}}`
	dbTarget        = `{"name":"db:serve","type":"server","resources":["db"],"state":{}}`
)

// checkApplyStatus checks server-side apply of the status, which several managers may share.
func checkApplyStatus(t *testing.T, s *server) {
	t.Run("OwnsStatusAlone", func(t *testing.T) {
		t.Parallel()
		session := s.create(t)
		applied := s.apply(t, statusPath(session.Name), session.Name, "runner", `"spec":{"tiltfilePath":"/never"},`+
			`"status":{"pid":7,"done":false,"startTime":null,"targets":[`+webTarget+`],"conditions":[`+readyCondition+`]}`).want(http.StatusOK).session()
		if !equality.Semantic.DeepEqual(applied.Spec, session.Spec) || applied.Generation != 1 || applied.Status.PID != 7 {
			t.Errorf("applied = %+v", applied)
		}
		fields, how := owned(applied, "runner", "status")
		if how != metav1.ManagedFieldsOperationApply || strings.Contains(fields, "f:spec") || strings.Contains(fields, "f:metadata") ||
			!strings.Contains(fields, `"k:{\"type\":\"Ready\"}":`) || !strings.Contains(fields, `"f:targets":{}`) {
			t.Errorf("the runner owns %s by %s", fields, how)
		}
		main := s.apply(t, path(session.Name)+"?force=true", session.Name, "runner",
			`"spec":{"tiltfilePath":"/b"},"status":{"pid":9}`).want(http.StatusOK).session()
		if main.Status.PID != 7 {
			t.Errorf("applied to the main resource: %+v", main.Status)
		}
		wantOwned(t, main, "runner", "", "Apply", `{"f:spec":{"f:tiltfilePath":{}}}`)
		if after, _ := owned(main, "runner", "status"); after != fields {
			t.Errorf("an apply of the main resource has changed the owner of the status: %s", after)
		}
	})

	t.Run("ConditionsMergeByType", func(t *testing.T) {
		t.Parallel()
		name := s.create(t).Name
		at := statusPath(name)
		s.apply(t, at, name, "one", `"status":{"conditions":[`+readyCondition+`]}`).want(http.StatusOK)
		both := s.apply(t, at, name, "two", `"status":{"conditions":[`+failedCondition+`]}`).want(http.StatusOK).session()
		wantConditions(t, both, "Failed", "Ready")

		conflict := s.apply(t, at, name, "two", `"status":{"conditions":[`+strings.Replace(readyCondition, "Starting", "Other", 1)+`]}`).
			failure(http.StatusConflict, metav1.StatusReasonConflict)
		if causes := conflict.Details.Causes; len(causes) != 1 || causes[0].Field != `.status.conditions[type="Ready"].reason` || !strings.Contains(causes[0].Message, `"one"`) {
			t.Errorf("causes = %+v", causes)
		}
		less := s.apply(t, at, name, "one", `"status":{}`).want(http.StatusOK).session()
		wantConditions(t, less, "Failed")
		twice := s.apply(t, at, name, "one", `"status":{"conditions":[`+readyCondition+`,`+readyCondition+`]}`)
		if twice.StatusCode < 400 {
			t.Errorf("one type twice: %d", twice.StatusCode)
		}
	})

	t.Run("TargetsAreReplaced", func(t *testing.T) {
		t.Parallel()
		name := s.create(t).Name
		at := statusPath(name)
		s.apply(t, at, name, "one", `"status":{"targets":[`+dbTarget+`,`+webTarget+`]}`).want(http.StatusOK)
		fewer := s.apply(t, at, name, "one", `"status":{"targets":[`+webTarget+`]}`).want(http.StatusOK).session()
		if got := fewer.Status.Targets; len(got) != 1 || got[0].Name != "web:serve" {
			t.Errorf("targets = %+v", got)
		}
		s.apply(t, at, name, "two", `"status":{"targets":[`+dbTarget+`]}`).failure(http.StatusConflict, metav1.StatusReasonConflict)
		forced := s.apply(t, at+"?force=true", name, "two", `"status":{"targets":[`+dbTarget+`]}`).want(http.StatusOK).session()
		if got := forced.Status.Targets; len(got) != 1 || got[0].Name != "db:serve" {
			t.Errorf("targets = %+v", got)
		}
		if fields, _ := owned(forced, "one", "status"); strings.Contains(fields, "targets") {
			t.Errorf("the manager that has lost the targets owns %s", fields)
		}
	})

	t.Run("DryRunAndNothing", func(t *testing.T) {
		t.Parallel()
		name := s.create(t).Name
		at := statusPath(name)
		before := s.apply(t, at, name, "one", `"status":{"pid":7}`).want(http.StatusOK).session()
		tried := s.apply(t, at+dryRun, name, "one", `"status":{"pid":8}`).want(http.StatusOK).session()
		if tried.Status.PID != 8 {
			t.Errorf("tried = %+v", tried)
		}
		s.apply(t, at, name, "one", `"status":{"pid":7}`).want(http.StatusOK)
		s.apply(t, at, name, "one", `"status":{"pid":-7}`).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		s.quiet(t, before)
	})
}

func wantConditions(t *testing.T, session *v1alpha1.Session, want ...string) {
	t.Helper()
	var got []string
	for _, condition := range session.Status.Conditions {
		got = append(got, condition.Type)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("conditions %v instead of %v", got, want)
	}
}
