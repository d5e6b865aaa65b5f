// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package applyconfiguration_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/applyconfiguration"
	applyv1alpha1 "tilt.dev/session/pkg/generated/applyconfiguration/core/v1alpha1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// shared is a Session whose spec was applied by one manager and whose status by
// another, who shares the conditions with a third.
func shared() *v1alpha1.Session {
	entry := func(manager, subresource, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{
			Manager: manager, Operation: metav1.ManagedFieldsOperationApply, Subresource: subresource,
			APIVersion: "tilt.dev/v1alpha1", FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: []byte(fields)},
		}
	}
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:   "Tiltfile",
			Labels: map[string]string{"team": "shop"},
			ManagedFields: []metav1.ManagedFieldsEntry{
				entry("person", "", `{"f:spec":{"f:ci":{"f:timeout":{}},"f:exitCondition":{},"f:tiltfilePath":{}}}`),
				entry("runner", "status", `{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:reason":{},"f:status":{},"f:type":{}}},"f:pid":{},"f:targets":{}}}`),
			},
		},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI,
			CI: &v1alpha1.SessionCISpec{
				Timeout:          &metav1.Duration{Duration: time.Minute},
				ReadinessTimeout: &metav1.Duration{Duration: time.Second},
			},
		},
		Status: v1alpha1.SessionStatus{
			PID:     42,
			Targets: []v1alpha1.Target{{Name: "a:update", Type: v1alpha1.TargetTypeJob, Resources: []string{"a"}}},
			Conditions: []metav1.Condition{
				{Type: "Ready", Status: metav1.ConditionTrue, Reason: "AllTargetsReady"},
				{Type: "Reviewed", Status: metav1.ConditionTrue, Reason: "Approved"},
			},
		},
	}
}

func TestExtractSessionGivesWhatTheManagerApplied(t *testing.T) {
	got, err := applyv1alpha1.ExtractSession(shared(), "person")
	if err != nil {
		t.Fatal(err)
	}
	want := applyv1alpha1.Session("Tiltfile").WithSpec(applyv1alpha1.SessionSpec().
		WithTiltfilePath("/src/Tiltfile").
		WithExitCondition(v1alpha1.ExitConditionCI).
		WithCI(applyv1alpha1.SessionCISpec().WithTimeout(metav1.Duration{Duration: time.Minute})))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExtractSessionStatusTakesTargetsWholeAndConditionsByType(t *testing.T) {
	got, err := applyv1alpha1.ExtractSessionStatus(shared(), "runner")
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec != nil {
		t.Errorf("the spec was extracted too: %v", got.Spec)
	}
	if got.Status == nil {
		t.Fatal("no status was extracted")
	}
	if got.Status.PID == nil || *got.Status.PID != 42 || got.Status.Done != nil {
		t.Errorf("pid %v and done %v, want 42 and none", got.Status.PID, got.Status.Done)
	}
	if len(got.Status.Targets) != 1 || *got.Status.Targets[0].Name != "a:update" {
		t.Errorf("targets %v, want all", got.Status.Targets)
	}
	if len(got.Status.Conditions) != 1 || *got.Status.Conditions[0].Type != "Ready" {
		t.Errorf("conditions %v, want Ready alone", got.Status.Conditions)
	}
}

func TestTypeConverterKnowsSessions(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	session := shared()
	session.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind("Session"))
	typed, err := applyconfiguration.NewTypeConverter(scheme).ObjectToTyped(session)
	if err != nil {
		t.Fatal(err)
	}
	if err := typed.Validate(); err != nil {
		t.Error(err)
	}
}
