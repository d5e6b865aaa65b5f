// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

const (
	targetWith = `{"targets":[{"name":"a","type":"job","resources":[],"state":`
	// conditionWith begins a condition that is right so far.
	conditionWith = `{"conditions":[{"type":"Ready","reason":"Running","message":"","status":"True","lastTransitionTime":"2026-01-02T03:04:05Z"`
)

// wrongForms are values that a field can't have:
// the member of the Session with the value in it, and the path of the field.
var wrongForms = []struct{ member, value, field string }{
	{"spec", `[]`, "spec"},
	{"spec", `"ci"`, "spec"},
	{"spec", `{"tiltfilePath":{}}`, "spec.tiltfilePath"},
	{"spec", `{"tiltfilePath":true}`, "spec.tiltfilePath"},
	{"spec", `{"exitCondition":1}`, "spec.exitCondition"},
	{"spec", `{"ci":[]}`, "spec.ci"},
	{"spec", `{"ci":"90s"}`, "spec.ci"},
	{"spec", `{"ci":{"timeout":"5 minutes"}}`, "spec.ci.timeout"},
	{"spec", `{"ci":{"timeout":5}}`, "spec.ci.timeout"},
	{"spec", `{"ci":{"timeout":""}}`, "spec.ci.timeout"},
	{"spec", `{"ci":{"timeout":"9999999h"}}`, "spec.ci.timeout"},
	{"spec", `{"ci":{"readinessTimeout":{}}}`, "spec.ci.readinessTimeout"},
	{"spec", `{"ci":{"k8sGracePeriod":[]}}`, "spec.ci.k8sGracePeriod"},
	{"spec", `{"args":"web"}`, "spec.args"},
	{"spec", `{"args":["web",1]}`, "spec.args[1]"},
	{"spec", `{"keepGoing":"true"}`, "spec.keepGoing"},
	{"spec", `{"ttlSecondsAfterFinished":"1h"}`, "spec.ttlSecondsAfterFinished"},
	{"spec", `{"ttlSecondsAfterFinished":3000000000}`, "spec.ttlSecondsAfterFinished"},
	{"status", `[]`, "status"},
	{"status", `{"ci":{"timeout":5}}`, "status.ci.timeout"},
	{"status", `{"pid":1.5}`, "status.pid"},
	{"status", `{"pid":"7"}`, "status.pid"},
	{"status", `{"pid":99999999999999999999}`, "status.pid"},
	{"status", `{"done":"yes"}`, "status.done"},
	{"status", `{"done":0}`, "status.done"},
	{"status", `{"error":{}}`, "status.error"},
	{"status", `{"startTime":"yesterday"}`, "status.startTime"},
	{"status", `{"startTime":1767323045}`, "status.startTime"},
	{"status", `{"startTime":"2026-01-02T03:04:05Z"}`, "status.startTime"},
	{"status", `{"targets":{}}`, "status.targets"},
	{"status", `{"targets":[7]}`, "status.targets[0]"},
	{"status", `{"targets":[{"name":1}]}`, "status.targets[0].name"},
	{"status", `{"targets":[{"resources":"web"}]}`, "status.targets[0].resources"},
	{"status", `{"targets":[{"resources":["web",1]}]}`, "status.targets[0].resources[1]"},
	{"status", `{"targets":[{"restartCount":3000000000}]}`, "status.targets[0].restartCount"},
	{"status", targetWith + `"active"}]}`, "status.targets[0].state"},
	{"status", targetWith + `{"active":{"ready":"yes"}}}]}`, "status.targets[0].state.active.ready"},
	{"status", targetWith + `{"active":{"startTime":"now"}}}]}`, "status.targets[0].state.active.startTime"},
	{"status", targetWith + `{"terminated":{"exitCode":99999999999}}}]}`, "status.targets[0].state.terminated.exitCode"},
	{"status", `{"conditions":{}}`, "status.conditions"},
	{"status", `{"conditions":[7]}`, "status.conditions[0]"},
	{"status", conditionWith + `,"lastTransitionTime":"now"}]}`, "status.conditions[0].lastTransitionTime"},
	{"status", conditionWith + `,"observedGeneration":"1"}]}`, "status.conditions[0].observedGeneration"},
	{"metadata", `[]`, "metadata"},
	{"metadata", `{NAME,"labels":[]}`, "metadata.labels"},
	{"metadata", `{NAME,"labels":{"a":1}}`, "metadata.labels[a]"},
	{"metadata", `{NAME,"annotations":{"a":true}}`, "metadata.annotations[a]"},
	{"metadata", `{NAME,"annotations":{"a":{}}}`, "metadata.annotations[a]"},
	{"metadata", `{NAME,"finalizers":"tilt.dev/x"}`, "metadata.finalizers"},
	{"metadata", `{NAME,"finalizers":[1]}`, "metadata.finalizers[0]"},
	{"metadata", `{NAME,"ownerReferences":{}}`, "metadata.ownerReferences"},
	{"metadata", `{NAME,"ownerReferences":[{"uid":1}]}`, "metadata.ownerReferences[0].uid"},
	{"metadata", `{NAME,"creationTimestamp":"nonsense"}`, "metadata.creationTimestamp"},
	{"metadata", `{NAME,"generation":1.5}`, "metadata.generation"},
	{"metadata", `{NAME,"managedFields":"x"}`, "metadata.managedFields"},
	{"metadata", `{NAME,"managedFields":[{"manager":1}]}`, "metadata.managedFields[0].manager"},
	{"metadata", `{NAME,"managedFields":[{"time":"now"}]}`, "metadata.managedFields[0].time"},
	{"metadata", `{NAME,"resourceVersion":5}`, "metadata.resourceVersion"},
	{"metadata", `{NAME,"uid":{}}`, "metadata.uid"},
}

// checkForms: for each verb, a value of the wrong form is an error of the client.
func checkForms(t *testing.T, s *server) {
	session := s.create(t)
	for _, form := range wrongForms {
		for _, at := range []string{path(session.Name), statusPath(session.Name)} {
			s.refusesForm(t, session.Name, at, form.member, form.value, form.field)
		}
	}
	t.Run("AtOnce", func(t *testing.T) {
		status := s.apply(t, path(session.Name), session.Name, "me", `"spec":{"exitCondition":[],"ci":{"timeout":"soon"},"unknown":1},"status":{"done":"yes"}`).
			failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		wantCauses(t, status, "spec.ci.timeout", "spec.exitCondition", "spec.unknown", "status.done")
	})
	t.Run("Duplicates", func(t *testing.T) {
		twice := func(element string) string { return `[` + element + `,` + element + `]` }
		for _, fields := range []string{
			`"status":{"conditions":` + twice(readyCondition) + `}`,
			`"status":{"conditions":[null]}`,
		} {
			s.apply(t, statusPath(session.Name), session.Name, "me", fields).failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
		}
	})
	t.Run("Exact", func(t *testing.T) {
		// The merge computes in float64.
		status := s.apply(t, statusPath(session.Name), session.Name, "me", `"status":{"pid":9007199254740993}`).failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
		wantCauses(t, status, "status.pid")
	})
	t.Run("Requests", func(t *testing.T) {
		for subresource, request := range requests {
			for _, spec := range []string{`[]`, `"a"`, `{"resources":"a"}`, `{"resources":[1]}`, `{"args":{}}`, `{"all":"yes"}`, `{"only":1}`, `{"labels":[{}]}`} {
				s.do(t, http.MethodPost, path(session.Name)+"/"+subresource+"?fieldValidation=Strict",
					`{"apiVersion":"tilt.dev/v1alpha1","kind":"`+request.kind+`","spec":`+spec+`}`).mistake()
			}
		}
	})
	s.quiet(t, session)
}

// refusesForm sends a Session with an invalid value by each kind of write. The response to an apply names the field.
func (s *server) refusesForm(t *testing.T, name, at, member, value, field string) {
	t.Helper()
	members := map[string]json.RawMessage{
		"apiVersion": json.RawMessage(`"` + v1alpha1.SchemeGroupVersion.String() + `"`), "kind": json.RawMessage(`"Session"`),
		"metadata": json.RawMessage(`{"name":"` + name + `"}`), "spec": json.RawMessage(`{"tiltfilePath":"/a","exitCondition":"ci"}`),
	}
	value = strings.ReplaceAll(value, "NAME", `"name":"`+name+`"`)
	members[member] = json.RawMessage(value)
	document, err := json.Marshal(members)
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	created, part := strings.ReplaceAll(string(document), name, name+"-new"), `{"`+member+`":`+value+`}`
	const json = "Content-Type: application/json"
	for _, write := range []struct{ method, at, body, content string }{
		{http.MethodPost, sessionsPath + "?dryRun=All", created, json},
		{http.MethodPost, sessionsPath + "?fieldValidation=Ignore", created, contentYAML},
		{http.MethodPut, at, string(document), json},
		{http.MethodPut, at + "?fieldValidation=Ignore", string(document), contentYAML},
		{http.MethodPatch, at, part, contentMerge},
		{http.MethodPatch, at + "?fieldValidation=Ignore", part, contentMerge},
		{http.MethodPatch, at, part, contentStrategic},
		{http.MethodPatch, at + "?fieldValidation=Ignore", part, contentStrategic},
		{http.MethodPatch, at, `[{"op":"add","path":"/` + member + `","value":` + value + `}]`, contentJSONPatch},
	} {
		s.do(t, write.method, write.at, write.body, write.content).mistake()
	}
	for _, at := range []string{at, path(name + "-new")} {
		for _, query := range []string{"", "&force=true", "&dryRun=All", "&fieldValidation=Strict", "&fieldValidation=Warn", "&fieldValidation=Ignore"} {
			body := string(document)
			if at != path(name) && at != statusPath(name) {
				body = created
			}
			wantCauses(t, s.patch(t, at+"?fieldManager=me"+query, body, contentApply).mistake(), field)
		}
	}
}

// mistake ends the test unless the response is an error of the client.
func (a *answer) mistake() *metav1.Status {
	a.t.Helper()
	if a.StatusCode == http.StatusBadRequest {
		return a.failure(http.StatusBadRequest, metav1.StatusReasonBadRequest)
	}
	return a.failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
}

// wantCauses compares the fields in the causes of a Status.
func wantCauses(t *testing.T, status *metav1.Status, fields ...string) {
	t.Helper()
	var got []string
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			got = append(got, cause.Field)
		}
	}
	if strings.Join(got, " ") != strings.Join(fields, " ") {
		t.Errorf("causes %q instead of %q: %s", got, fields, status.Message)
	}
}
