// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestStatusAndSpecAreWrittenApart(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	created, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	both := created.DeepCopy()
	both.Labels = map[string]string{"by": "status"}
	both.Finalizers = []string{"tilt.dev/by-status"}
	both.Spec.TiltfilePath = "/by/status"
	both.Status.PID = 7
	both.Status.Targets = []v1alpha1.Target{{Name: "web:serve", Type: v1alpha1.TargetTypeServer}}
	written, err := sessions.UpdateStatus(t.Context(), both, metav1.UpdateOptions{FieldManager: "runner"})
	if err != nil {
		t.Fatal(err)
	}
	if written.Status.PID != 7 || len(written.Status.Targets) != 1 || written.Status.Targets[0].Resources == nil {
		t.Errorf("status = %+v", written.Status)
	}
	if written.Labels != nil || written.Finalizers != nil || written.Spec != created.Spec || written.Generation != 1 {
		t.Errorf("the status endpoint has written more than the status: %+v", written)
	}
	if managers := managersOf(written); managers["runner"] != "status" {
		t.Errorf("managers = %v", managers)
	}

	both.ResourceVersion = ""
	both.Status.PID = 9
	updated, err := sessions.Update(t.Context(), both, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Status.PID != 7 {
		t.Errorf("the main endpoint has written the status: %+v", updated.Status)
	}
	if updated.Labels["by"] != "status" || updated.Spec.TiltfilePath != "/by/status" || updated.Generation != 2 {
		t.Errorf("updated = %+v", updated)
	}

	labelled := updated.DeepCopy()
	labelled.Labels["more"] = "yes"
	labelled, err = sessions.Update(t.Context(), labelled, metav1.UpdateOptions{})
	if err != nil || labelled.Generation != 2 {
		t.Errorf("a label has moved the generation: %d, %v", labelled.Generation, err)
	}
}

func TestStatusOfferedVerbs(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		client.do(method, sessionsPath+"/a/status", newSession("a")).want(http.StatusMethodNotAllowed)
	}
	client.do(http.MethodPut, sessionsPath+"/missing/status", newSession("missing")).want(http.StatusNotFound)
	client.do(http.MethodGet, sessionsPath+"/a/status", nil).want(http.StatusOK)
}

func TestInvalidStatusIsRefused(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	client.do(http.MethodPatch, sessionsPath+"/a/status", `{"status":{"targets":[{"name":"","type":"nonsense","resources":[],"state":{}}]}}`,
		"Content-Type: application/merge-patch+json").want(http.StatusUnprocessableEntity)
}

// managersOf maps each field manager to the subresource that it wrote last.
func managersOf(session *v1alpha1.Session) map[string]string {
	managers := map[string]string{}
	for _, entry := range session.ManagedFields {
		managers[entry.Manager] = entry.Subresource
	}
	return managers
}
