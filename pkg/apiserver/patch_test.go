// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

const (
	jsonPatch  = "Content-Type: application/json-patch+json"
	mergePatch = "Content-Type: application/merge-patch+json"
	applyPatch = "Content-Type: application/apply-patch+yaml"
)

func TestPatch(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	path := sessionsPath + "/a"

	var session v1alpha1.Session
	client.do(http.MethodPatch, path, `[{"op":"test","path":"/spec/exitCondition","value":"ci"},
		{"op":"replace","path":"/spec/exitCondition","value":"manual"}]`, jsonPatch).want(http.StatusOK, &session)
	if session.Spec.ExitCondition != v1alpha1.ExitConditionManual || session.Generation != 2 {
		t.Errorf("after the JSON patch: %+v", session)
	}
	client.do(http.MethodPatch, path, `[{"op":"test","path":"/spec/exitCondition","value":"ci"},
		{"op":"replace","path":"/spec/tiltfilePath","value":"/never"}]`, jsonPatch).want(http.StatusUnprocessableEntity)
	session = v1alpha1.Session{}
	client.do(http.MethodPatch, path, `{"spec":{"ci":{"timeout":"90s"}},"status":{"pid":5}}`, mergePatch).want(http.StatusOK, &session)
	if session.Spec.TiltfilePath != "/src/Tiltfile" || session.Spec.CI.Timeout.Seconds() != 90 || session.Status.PID != 0 {
		t.Errorf("after the merge patch: %+v", session)
	}
	session = v1alpha1.Session{}
	client.do(http.MethodPatch, path+"/status", `{"spec":{"tiltfilePath":"/never"},"status":{"pid":5}}`, mergePatch).want(http.StatusOK, &session)
	if session.Spec.TiltfilePath != "/src/Tiltfile" || session.Status.PID != 5 {
		t.Errorf("after the merge patch of the status: %+v", session)
	}
	client.do(http.MethodPatch, path, `{"spec":{"exitCondition":"never"}}`, mergePatch).want(http.StatusUnprocessableEntity)
}

func TestApply(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	path := sessionsPath + "/a"
	apply := func(manager, subresource, content string, code int) v1alpha1.Session {
		t.Helper()
		var session v1alpha1.Session
		document := `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a"},` + content + `}`
		client.do(http.MethodPatch, path+subresource+"?fieldManager="+manager, document, applyPatch).want(code, &session)
		return session
	}

	session := apply("one", "", `"spec":{"tiltfilePath":"/src/Tiltfile","exitCondition":"ci"},"status":{"pid":3}`, http.StatusCreated)
	if session.Generation != 1 || session.Status.PID != 0 {
		t.Errorf("applied = %+v", session)
	}
	if fields := fieldsOf(&session, "one"); strings.Contains(fields, "f:status") {
		t.Errorf("the applier owns the status: %s", fields)
	}

	var conflict metav1.Status
	client.do(http.MethodPatch, path+"?fieldManager=two",
		`{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a"},"spec":{"exitCondition":"manual"}}`,
		applyPatch).want(http.StatusConflict, &conflict)
	if !strings.Contains(conflict.Message, `"one"`) {
		t.Errorf("the conflict doesn't name the manager: %s", conflict.Message)
	}

	target := `{"name":"web:serve","type":"server","resources":["web"],"state":{}}`
	ready := `{"type":"Ready","status":"False","reason":"Running","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}`
	session = apply("runner", "/status", `"spec":{"tiltfilePath":"/never"},"status":{"pid":7,"done":false,"startTime":null,"targets":[`+target+`],"conditions":[`+ready+`]}`, http.StatusOK)
	if session.Spec.TiltfilePath != "/src/Tiltfile" || session.Status.PID != 7 || len(session.Status.Targets) != 1 {
		t.Errorf("applied status = %+v", session)
	}
	fields := fieldsOf(&session, "runner")
	if strings.Contains(fields, "f:spec") || !strings.Contains(fields, `k:{\"type\":\"Ready\"}`) && !strings.Contains(fields, `k:{"type":"Ready"}`) || strings.Contains(fields, "web:serve") {
		t.Errorf("the runner owns %s", fields)
	}
	if managersOf(&session)["runner"] != "status" {
		t.Errorf("managers = %v", managersOf(&session))
	}

	failed := `{"type":"Failed","status":"False","reason":"Running","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}`
	session = apply("other", "/status", `"status":{"conditions":[`+failed+`]}`, http.StatusOK)
	if len(session.Status.Conditions) != 2 {
		t.Errorf("conditions aren't merged by type: %+v", session.Status.Conditions)
	}
	session = apply("runner", "/status", `"status":{"pid":7,"done":false,"startTime":null,"targets":[]}`, http.StatusOK)
	if len(session.Status.Conditions) != 1 || len(session.Status.Targets) != 0 {
		t.Errorf("what's no longer applied stays: %+v", session.Status)
	}
}

// fieldsOf are the fields that a manager owns, as JSON.
func fieldsOf(session *v1alpha1.Session, manager string) string {
	for _, entry := range session.ManagedFields {
		if entry.Manager == manager {
			return entry.FieldsV1.GetRawString()
		}
	}
	return ""
}
