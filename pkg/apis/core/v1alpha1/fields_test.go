// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestSelectableFields(t *testing.T) {
	session := &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "Tiltfile"},
		Spec:       v1alpha1.SessionSpec{TiltfilePath: "/src/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI},
		Status:     v1alpha1.SessionStatus{Done: true},
	}
	want := fields.Set{
		"metadata.name":      "Tiltfile",
		"spec.exitCondition": "ci",
		"spec.tiltfilePath":  "/src/Tiltfile",
		"status.done":        "true",
	}
	if diff := cmp.Diff(want, v1alpha1.SelectableFields(session)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEverySelectableFieldMayBeAskedFor(t *testing.T) {
	scheme, kind := serverScheme(t), v1alpha1.SchemeGroupVersion.WithKind("Session")
	for field := range v1alpha1.SelectableFields(&v1alpha1.Session{}) {
		label, value, err := scheme.ConvertFieldLabel(kind, field, "x")
		if label != field || value != "x" || err != nil {
			t.Errorf("%s=x becomes %s=%s, %v", field, label, value, err)
		}
	}
}

func TestOtherFieldsAreErrorsThatNameTheSelectableOnes(t *testing.T) {
	scheme, kind := serverScheme(t), v1alpha1.SchemeGroupVersion.WithKind("Session")
	for _, field := range []string{"", "name", "metadata.namespace", "spec", "status.pid", "Metadata.Name"} {
		_, _, err := scheme.ConvertFieldLabel(kind, field, "x")
		if err == nil {
			t.Errorf("Sessions can be selected by %q", field)
			continue
		}
		for selectable := range v1alpha1.SelectableFields(&v1alpha1.Session{}) {
			if !strings.Contains(err.Error(), selectable) {
				t.Errorf("%q doesn't name %s", err, selectable)
			}
		}
	}
}
