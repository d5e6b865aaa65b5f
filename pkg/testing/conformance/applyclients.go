// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	applyv1alpha1 "tilt.dev/session/pkg/generated/applyconfiguration/core/v1alpha1"
)

// checkApplyClients checks server-side apply through the generated and the dynamic
// client, with what a manager owns extracted, changed and applied again.
func checkApplyClients(t *testing.T, s *server) {
	t.Run("Typed", func(t *testing.T) {
		t.Parallel()
		name := unique(t)
		s.remove(t, name)
		me := metav1.ApplyOptions{FieldManager: "me"}
		wanted := applyv1alpha1.Session(name).WithLabels(map[string]string{"a": "b"}).
			WithSpec(applyv1alpha1.SessionSpec().WithTiltfilePath("/a").WithExitCondition(v1alpha1.ExitConditionCI))
		session, err := s.sessions.Apply(t.Context(), wanted, me)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.sessions.Apply(t.Context(), wanted.WithLabels(map[string]string{"a": "c"}), metav1.ApplyOptions{FieldManager: "other"}); !apierrors.IsConflict(err) {
			t.Errorf("another manager: %v", err)
		}

		extracted, err := applyv1alpha1.ExtractSession(session, "me")
		if err != nil {
			t.Fatal(err)
		}
		if extracted.Spec == nil || *extracted.Spec.TiltfilePath != "/a" || extracted.Labels["a"] != "b" || extracted.Status != nil {
			t.Errorf("extracted = %+v", extracted)
		}
		extracted.Spec.WithTiltfilePath("/b")
		session, err = s.sessions.Apply(t.Context(), extracted, me)
		if err != nil || session.Spec.TiltfilePath != "/b" || session.Labels["a"] != "b" {
			t.Errorf("applied = %+v, %v", session, err)
		}

		status := applyv1alpha1.Session(name).WithStatus(applyv1alpha1.SessionStatus().WithPID(7))
		session, err = s.sessions.ApplyStatus(t.Context(), status, me)
		if err != nil || session.Status.PID != 7 || session.Spec.TiltfilePath != "/b" {
			t.Fatalf("applied status = %+v, %v", session, err)
		}
		ofStatus, err := applyv1alpha1.ExtractSessionStatus(session, "me")
		if err != nil || ofStatus.Status == nil || *ofStatus.Status.PID != 7 || ofStatus.Spec != nil {
			t.Errorf("extracted = %+v, %v", ofStatus, err)
		}
	})

	t.Run("Dynamic", func(t *testing.T) {
		t.Parallel()
		session := s.do(t, http.MethodGet, path(s.create(t).Name), nil).want(http.StatusOK).object()
		wanted := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "tilt.dev/v1alpha1", "kind": "Session",
			"metadata": map[string]any{"name": session.GetName()},
			"spec":     map[string]any{"tiltfilePath": "/dynamic"},
		}}
		if _, err := s.dynamic.Apply(t.Context(), session.GetName(), wanted, metav1.ApplyOptions{FieldManager: "me"}); !apierrors.IsConflict(err) {
			t.Errorf("without force: %v", err)
		}
		forced, err := s.dynamic.Apply(t.Context(), session.GetName(), wanted, metav1.ApplyOptions{FieldManager: "me", Force: true})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := unstructured.NestedString(forced.Object, "spec", "tiltfilePath"); got != "/dynamic" {
			t.Errorf("applied = %v", forced.Object)
		}
		wanted.Object["status"] = map[string]any{"error": "dynamic"}
		written, err := s.dynamic.ApplyStatus(t.Context(), session.GetName(), wanted, metav1.ApplyOptions{FieldManager: "me"})
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := unstructured.NestedString(written.Object, "status", "error"); got != "dynamic" {
			t.Errorf("applied status = %v", written.Object)
		}
	})
}
