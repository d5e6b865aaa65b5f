// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// The tests TestUpstream... fail once upstream doesn't need a workaround in this package any more.

// TestUpstreamPlainErrors covers checkedUpdate: a patch that can't be merged is an error without a status.
func TestUpstreamPlainErrors(t *testing.T) {
	t.Parallel()
	_, merge := strategicpatch.StrategicMergePatch([]byte(`{}`), []byte(`{"$patch": "x"}`), v1alpha1.Session{})
	var patch unstructured.Unstructured
	err := yaml.Unmarshal([]byte(`{apiVersion: tilt.dev/v1alpha1, kind: Session, metadata: {name: a},
		status: {conditions: [{type: Ready}, {type: Ready}]}}`), &patch.Object)
	if err != nil {
		t.Fatal(err)
	}
	_, apply := newApplier(t).status.Apply(stored(), &patch, "a", false)
	for _, err := range []error{merge, apply} {
		if status := apierrors.APIStatus(nil); err == nil || errors.As(err, &status) {
			t.Errorf("error %v, want one without a status", err)
		}
	}
}

// TestUpstreamOrderOfManagedFields covers alignWithStored: the times of entries in another order aren't ignored.
func TestUpstreamOrderOfManagedFields(t *testing.T) {
	t.Parallel()
	entry := func(manager string, seconds int64) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: "Apply", Time: new(metav1.Unix(seconds, 0))}
	}
	before, after := stored(), stored()
	before.ManagedFields = []metav1.ManagedFieldsEntry{entry("a", 1), entry("b", 1)}
	after.ManagedFields = []metav1.ManagedFieldsEntry{entry("b", 1), entry("a", 2)}
	kept, err := fieldmanager.IgnoreManagedFieldsTimestampsTransformer(t.Context(), after, before)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range kept.(*v1alpha1.Session).ManagedFields {
		if e.Manager == "a" && e.Time.Unix() != 2 {
			t.Errorf("the time of the apply is ignored: it's %v", e.Time)
		}
	}
}
