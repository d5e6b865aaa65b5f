// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestCreateReadUpdateDelete(t *testing.T) {
	t.Parallel()
	sessions := testserver.Start(t).Clientset(t).TiltV1alpha1().Sessions()

	wanted := newSession("a")
	wanted.UID, wanted.Generation = "mine", 7
	wanted.Status = v1alpha1.SessionStatus{Done: true, Error: "mine"}
	created, err := sessions.Create(t.Context(), wanted, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if created.UID == "" || created.UID == "mine" || created.Generation != 1 || created.CreationTimestamp.IsZero() {
		t.Errorf("metadata = %+v", created.ObjectMeta)
	}
	if diff := cmp.Diff(v1alpha1.SessionStatus{Targets: []v1alpha1.Target{}}, created.Status); diff != "" {
		t.Errorf("status of a new Session (-want +got):\n%s", diff)
	}

	if _, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("creating it again: %v", err)
	}
	numbered := newSession("b")
	numbered.ResourceVersion = "1"
	if _, err := sessions.Create(t.Context(), numbered, metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("creating with a resourceVersion: %v", err)
	}

	created.Spec.ExitCondition = v1alpha1.ExitConditionManual
	updated, err := sessions.Update(t.Context(), created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Generation != 2 || updated.Spec.ExitCondition != v1alpha1.ExitConditionManual {
		t.Errorf("updated = %+v", updated)
	}
	if _, err := sessions.Update(t.Context(), created, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("updating with a stale resourceVersion: %v", err)
	}
	if _, err := sessions.Update(t.Context(), newSession("missing"), metav1.UpdateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("an update creates: %v", err)
	}

	list, err := sessions.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 || list.ResourceVersion == "" {
		t.Errorf("list = %+v, %v", list, err)
	}
	if err := sessions.Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("reading what was deleted: %v", err)
	}
}

func TestEmptyListsAreNotNull(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	var list map[string]json.RawMessage
	client.do(http.MethodGet, sessionsPath, nil).want(http.StatusOK, &list)
	if string(list["items"]) != "[]" {
		t.Errorf("items = %s", list["items"])
	}
	created := client.do(http.MethodPost, sessionsPath, newSession("a")).want(http.StatusCreated)
	if !strings.Contains(string(created.body), `"targets":[]`) {
		t.Errorf("created = %s", created.body)
	}
	patched := client.do(http.MethodPatch, sessionsPath+"/a/status", `{"status":{"targets":null,"pid":1}}`,
		"Content-Type: application/merge-patch+json").want(http.StatusOK)
	if !strings.Contains(string(patched.body), `"targets":[]`) {
		t.Errorf("patched = %s", patched.body)
	}
}

func TestWritesThatChangeNothingAreNotStored(t *testing.T) {
	t.Parallel()
	server := testserver.Start(t)
	sessions := server.Clientset(t).TiltV1alpha1().Sessions()
	created, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	updated, err := sessions.Update(t.Context(), created, metav1.UpdateOptions{})
	if err != nil || updated.ResourceVersion != created.ResourceVersion {
		t.Errorf("update: resourceVersion %s after %s, %v", updated.ResourceVersion, created.ResourceVersion, err)
	}
	unconditional := created.DeepCopy()
	unconditional.ResourceVersion = ""
	unconditional.Status.Error = "ignored"
	updated, err = sessions.Update(t.Context(), unconditional, metav1.UpdateOptions{})
	if err != nil || updated.ResourceVersion != created.ResourceVersion {
		t.Errorf("unconditional update: resourceVersion %s after %s, %v", updated.ResourceVersion, created.ResourceVersion, err)
	}

	created.Status.PID = 7
	written, err := sessions.UpdateStatus(t.Context(), created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := sessions.UpdateStatus(t.Context(), written, metav1.UpdateOptions{})
	if err != nil || again.ResourceVersion != written.ResourceVersion {
		t.Errorf("status update: resourceVersion %s after %s, %v", again.ResourceVersion, written.ResourceVersion, err)
	}
}

func TestInvalidSessionsNameEveryMistake(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	var status metav1.Status
	client.do(http.MethodPost, sessionsPath, `{"apiVersion":"tilt.dev/v1alpha1","kind":"Session","metadata":{"name":"a"},
		"spec":{"tiltfilePath":"","exitCondition":"never","ci":{"timeout":"-1s","readinessTimeout":"-2s"}}}`).
		want(http.StatusUnprocessableEntity, &status)
	got := map[string]bool{}
	for _, cause := range status.Details.Causes {
		got[cause.Field] = true
	}
	for _, field := range []string{"spec.tiltfilePath", "spec.exitCondition", "spec.ci.timeout", "spec.ci.readinessTimeout"} {
		if !got[field] {
			t.Errorf("no cause for %s in %+v", field, status.Details.Causes)
		}
	}
	if !strings.Contains(status.Message, "valid values: manual, ci") {
		t.Errorf("message doesn't name the allowed values: %s", status.Message)
	}
}

func TestDryRunStoresNothing(t *testing.T) {
	t.Parallel()
	sessions := testserver.Start(t).Clientset(t).TiltV1alpha1().Sessions()
	dry := []string{metav1.DryRunAll}
	if _, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{DryRun: dry}); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("a dry run has created: %v", err)
	}
	created, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	changed := created.DeepCopy()
	changed.Spec.TiltfilePath = "/elsewhere"
	if _, err := sessions.Update(t.Context(), changed, metav1.UpdateOptions{DryRun: dry}); err != nil {
		t.Fatal(err)
	}
	if err := sessions.Delete(t.Context(), "a", metav1.DeleteOptions{DryRun: dry}); err != nil {
		t.Fatal(err)
	}
	if err := sessions.DeleteCollection(t.Context(), metav1.DeleteOptions{DryRun: dry}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	stored, err := sessions.Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, stored); diff != "" {
		t.Errorf("dry runs have changed it:\n%s", diff)
	}
}
