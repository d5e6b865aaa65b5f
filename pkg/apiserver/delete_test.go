// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	testserver "tilt.dev/session/pkg/testing/server"
)

func TestFinalizersHoldADeletion(t *testing.T) {
	t.Parallel()
	sessions := testserver.Start(t).Clientset(t).TiltV1alpha1().Sessions()
	held := newSession("a")
	held.Finalizers = []string{"tilt.dev/run"}
	if _, err := sessions.Create(t.Context(), held, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	foreground := metav1.DeletePropagationForeground
	if err := sessions.Delete(t.Context(), "a", metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
		t.Fatal(err)
	}
	dying, err := sessions.Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if dying.DeletionTimestamp.IsZero() || dying.Generation != 2 || len(dying.Finalizers) != 1 {
		t.Errorf("dying = %+v", dying.ObjectMeta)
	}
	more := dying.DeepCopy()
	more.Finalizers = append(more.Finalizers, "tilt.dev/more")
	if _, err := sessions.Update(t.Context(), more, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("a finalizer was added while it's deleted: %v", err)
	}
	if _, err := sessions.Patch(t.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Get(t.Context(), "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("without a finalizer it's still there: %v", err)
	}
}

func TestDeleteCollection(t *testing.T) {
	t.Parallel()
	sessions := testserver.Start(t).Clientset(t).TiltV1alpha1().Sessions()
	for name, group := range map[string]string{"a": "x", "b": "x", "c": "y"} {
		session := newSession(name)
		session.Labels = map[string]string{"group": group}
		if _, err := sessions.Create(t.Context(), session, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sessions.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "group=x"}); err != nil {
		t.Fatal(err)
	}
	list, err := sessions.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "c" {
		t.Errorf("left: %+v, %v", list.Items, err)
	}
}

func TestDeletePreconditions(t *testing.T) {
	t.Parallel()
	sessions := testserver.Start(t).Clientset(t).TiltV1alpha1().Sessions()
	created, err := sessions.Create(t.Context(), newSession("a"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wrong := types.UID("another")
	if err := sessions.Delete(t.Context(), "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}}); !apierrors.IsConflict(err) {
		t.Errorf("deleted in spite of another uid: %v", err)
	}
	if err := sessions.Delete(t.Context(), "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &created.UID}}); err != nil {
		t.Error(err)
	}
}
