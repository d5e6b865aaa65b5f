// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// RunExpired checks requests with a version that the server no longer has. It first
// writes more than the 64 MiB that the history of a server of this module holds, so no other test may use the server; forget
// then makes the server forget the rest, as a restart does, and returns the target.
func RunExpired(t *testing.T, target Target, forget func() Target) {
	s := newServer(t, target)
	group := unique(t)
	for _, suffix := range []string{"-a", "-b", "-c"} {
		session := newSession(group + suffix)
		session.Labels = map[string]string{"group": group}
		s.do(t, http.MethodPost, sessionsPath, session).want(http.StatusCreated)
	}
	page := s.page(t, group, 1, "")
	large := strings.Repeat("x", 2<<20)
	for i := range 40 {
		s.setStatus(t, group+"-c", v1alpha1.SessionStatus{PID: int64(i), Error: large})
	}
	last := s.setStatus(t, group+"-c", v1alpha1.SessionStatus{})
	s.http.CloseIdleConnections()
	s = newServer(t, forget())

	t.Run("Continue", func(t *testing.T) {
		status := s.get(t, sessionsPath+"?limit=1&labelSelector=group="+group+"&continue="+url.QueryEscape(page.Continue)).
			failure(http.StatusGone, metav1.StatusReasonExpired)
		// A client that accepts a list of two states may continue.
		rest := s.page(t, group, 5, status.Continue)
		if want := []string{group + "-b", group + "-c"}; !slices.Equal(namesOf(rest), want) ||
			versionNumber(t, rest.ResourceVersion) < versionNumber(t, last.ResourceVersion) {
			t.Errorf("continued = %v of %s", namesOf(rest), rest.ResourceVersion)
		}
	})
	t.Run("Exact", func(t *testing.T) {
		s.get(t, sessionsPath+"?resourceVersionMatch=Exact&resourceVersion="+page.ResourceVersion).
			failure(http.StatusGone, metav1.StatusReasonExpired)
	})
	t.Run("Watch", func(t *testing.T) {
		events := s.watch(t, "resourceVersion="+page.ResourceVersion)
		event := events.next(t)
		var status metav1.Status
		if err := json.Unmarshal(event.Object, &status); err != nil {
			t.Fatal(err)
		}
		if event.Type != "ERROR" || status.Code != http.StatusGone || status.Reason != metav1.StatusReasonExpired {
			t.Errorf("event %s %s", event.Type, event.Object)
		}
		events.end(t)
		s.watch(t, "resourceVersion="+last.ResourceVersion+"&timeoutSeconds=1").end(t)
	})
}
