// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// quiet fails the test if a Session has been written since the given state: it compares the stored Session, and the
// next event after the state must be that of a change that quiet makes.
func (s *server) quiet(t *testing.T, session *v1alpha1.Session) {
	t.Helper()
	if now := s.read(t, session.Name); now.ResourceVersion != session.ResourceVersion || now.Generation != session.Generation {
		t.Errorf("%s has changed: resourceVersion %s to %s, generation %d to %d", session.Name,
			session.ResourceVersion, now.ResourceVersion, session.Generation, now.Generation)
	}
	marked := s.do(t, http.MethodPatch, path(session.Name), `{"metadata":{"annotations":{"conformance/mark":"`+session.ResourceVersion+`"}}}`,
		contentMerge).want(http.StatusOK).session()
	if first := s.nextEvent(t, metav1.SingleObject(session.ObjectMeta)); versionOf(t, first) != marked.ResourceVersion {
		t.Errorf("an event of what must not make one: %s of %s", first.Type, versionOf(t, first))
	}
}

// nextEvent returns the first event of a watch.
func (s *server) nextEvent(t *testing.T, options metav1.ListOptions) watch.Event {
	t.Helper()
	events, err := s.sessions.Watch(t.Context(), options)
	if err != nil {
		t.Fatalf("watching: %v", err)
	}
	defer events.Stop()
	select {
	case event, ok := <-events.ResultChan():
		if !ok {
			t.Fatal("the watch has ended")
		}
		return event
	case <-time.After(patience):
		t.Fatalf("no event in %v", patience)
	}
	return watch.Event{}
}

// versionOf returns the version of the object of an event.
func versionOf(t *testing.T, event watch.Event) string {
	t.Helper()
	object, err := meta.Accessor(event.Object)
	if err != nil {
		t.Fatalf("%s: %v", event.Type, err)
	}
	return object.GetResourceVersion()
}

// read returns the current Session.
func (s *server) read(t *testing.T, name string) *v1alpha1.Session {
	t.Helper()
	return s.get(t, path(name)).want(http.StatusOK).session()
}
