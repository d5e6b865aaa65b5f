// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	tilt "github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// create creates a complete Session with its status, and deletes it when the
// test ends.
func create(t *testing.T, c client.Client, name string) *tilt.Session {
	t.Helper()
	want := complete(t, name)
	created := want.DeepCopy()
	if err := c.Create(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.Delete(context.WithoutCancel(t.Context()), created)
		if client.IgnoreNotFound(err) != nil {
			t.Errorf("deleting %s: %v", name, err)
		}
	})
	if created.Generation != 1 || created.Status.Done || created.Status.Targets == nil {
		t.Errorf("created with generation %d and status %+v", created.Generation, created.Status)
	}
	created.Status = want.Status
	if err := c.Status().Update(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	return created
}

// ours is what a client has set of a Session.
func ours(s *tilt.Session) *tilt.Session {
	return &tilt.Session{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Labels: s.Labels, Annotations: s.Annotations, OwnerReferences: s.OwnerReferences},
		Spec:       s.Spec,
		Status:     s.Status,
	}
}

func testEveryField(t *testing.T, s *server) {
	c := s.tiltClient(t)
	updated := create(t, c, "fields")
	want := complete(t, "fields")

	var read tilt.Session
	if err := c.Get(t.Context(), client.ObjectKey{Name: "fields"}, &read); err != nil {
		t.Fatal(err)
	}
	var list tilt.SessionList
	if err := c.List(t.Context(), &list, client.MatchingFields{"metadata.name": "fields"}, client.MatchingLabels{"team": "a"}); err != nil || len(list.Items) != 1 {
		t.Fatalf("listed %d Sessions: %v", len(list.Items), err)
	}
	watched := await(t, c, "fields", "the Session was told of", func(watch.EventType, *tilt.Session) bool { return true })
	for from, got := range map[string]*tilt.Session{
		"status update": updated, "get": &read, "list": &list.Items[0], "watch": watched,
	} {
		if diff := cmp.Diff(want, ours(got)); diff != "" {
			t.Errorf("written (-), %s (+):\n%s", from, diff)
		}
	}
}

func testVerbs(t *testing.T, s *server) {
	c := s.tiltClient(t)
	var list tilt.SessionList
	if err := c.List(t.Context(), &list); err != nil || list.ResourceVersion == "" {
		t.Fatalf("listed at version %q: %v", list.ResourceVersion, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	events, err := c.Watch(ctx, &tilt.SessionList{}, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()

	written := create(t, c, "verbs")
	written.Spec.ExitCondition = tilt.ExitConditionManual
	if err := c.Update(t.Context(), written); err != nil || written.Generation != 2 {
		t.Errorf("updated to generation %d: %v", written.Generation, err)
	}
	before := written.DeepCopy()
	written.Spec.CI = nil
	written.Labels["team"] = "b"
	if err := c.Patch(t.Context(), written, client.MergeFrom(before)); err != nil || written.Spec.CI != nil || written.Generation != 3 {
		t.Errorf("patched to %+v: %v", written.Spec, err)
	}
	if err := c.Delete(t.Context(), written, client.Preconditions{UID: &written.UID}); err != nil {
		t.Error(err)
	}
	want := []watch.EventType{watch.Added, watch.Modified, watch.Modified, watch.Modified, watch.Deleted}
	var got []watch.EventType
	next(t, events, "the deletion was told", func(kind watch.EventType, s *tilt.Session) bool {
		if s.Name == "verbs" {
			got = append(got, kind)
		}
		return s.Name == "verbs" && kind == watch.Deleted
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events wanted (-), got (+):\n%s", diff)
	}
}

func testRefusals(t *testing.T, s *server) {
	c := s.tiltClient(t)
	stale := create(t, c, "refusals")
	if err := c.Create(t.Context(), complete(t, "refusals")); !apierrors.IsAlreadyExists(err) {
		t.Errorf("creating what exists: %v", err)
	}
	invalid := &tilt.Session{ObjectMeta: metav1.ObjectMeta{Name: "invalid"}}
	if err := c.Create(t.Context(), invalid); !apierrors.IsInvalid(err) {
		t.Errorf("creating without a spec: %v", err)
	}
	fresh := stale.DeepCopy()
	fresh.Labels["team"] = "b"
	if err := c.Update(t.Context(), fresh); err != nil {
		t.Error(err)
	}
	if err := c.Status().Update(t.Context(), stale); !apierrors.IsConflict(err) {
		t.Errorf("updating what has changed meanwhile: %v", err)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Name: "none"}, &tilt.Session{}); !apierrors.IsNotFound(err) {
		t.Errorf("reading what doesn't exist: %v", err)
	}
}

// testStatusPatch shows how a program with Tilt's types changes a status
// without losing what they don't know.
func testStatusPatch(t *testing.T, s *server) {
	c := s.tiltClient(t)
	written := create(t, c, "patch")
	raw := &unstructured.Unstructured{}
	raw.SetGroupVersionKind(tilt.SchemeGroupVersion.WithKind("Session"))
	raw.SetName("patch")
	conditions := `{"status":{"conditions":[{"type":"Ready","status":"True","reason":"R","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]}}`
	if err := c.Status().Patch(t.Context(), raw, client.RawPatch("application/merge-patch+json", []byte(conditions))); err != nil {
		t.Fatal(err)
	}
	before := written.DeepCopy()
	written.Status.Error, written.Status.PID = "", 7
	if err := c.Status().Patch(t.Context(), written, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	if written.Status.Error != "" || written.Status.PID != 7 || len(written.Status.Targets) != len(before.Status.Targets) {
		t.Errorf("patched to %+v", written.Status)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(written), raw); err != nil {
		t.Fatal(err)
	}
	if kept, _, err := unstructured.NestedSlice(raw.Object, "status", "conditions"); err != nil || len(kept) != 1 {
		t.Errorf("conditions after the patch: %v (%v)", kept, err)
	}
}
