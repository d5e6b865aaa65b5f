// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// sent is an event of a watch as it was sent.
type sent struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

func (e sent) session(t *testing.T) *v1alpha1.Session {
	t.Helper()
	session := &v1alpha1.Session{}
	if err := json.Unmarshal(e.Object, session); err != nil || session.Kind != "Session" {
		t.Fatalf("%s: not a Session (%v): %s", e.Type, err, cut(e.Object))
	}
	return session
}

func (e sent) object(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(e.Object); err != nil {
		t.Fatalf("%s: %v: %s", e.Type, err, cut(e.Object))
	}
	return object
}

// brief returns the type of the event with the name and version of its Session.
func (e sent) brief(t *testing.T) string {
	t.Helper()
	session := e.session(t)
	return brief(e.Type, session)
}

func brief(kind string, session *v1alpha1.Session) string {
	return kind + " " + session.Name + " " + session.ResourceVersion
}

// stream is a watch that is read event by event.
type stream struct {
	body    io.ReadCloser
	decoder *json.Decoder
}

// watch begins a watch, which ends with the test at the latest.
func (s *server) watch(t *testing.T, query string, headers ...string) *stream {
	t.Helper()
	return s.watchAt(t, sessionsPath+"?watch=true&"+query, headers...)
}

// watchAt is like watch for another path.
func (s *server) watchAt(t *testing.T, at string, headers ...string) *stream {
	t.Helper()
	response := s.open(t, http.MethodGet, at, nil, headers...)
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("watch %s: %d: %s", at, response.StatusCode, cut(body))
	}
	return &stream{body: response.Body, decoder: json.NewDecoder(response.Body)}
}

// read returns the next event, or io.EOF when the watch has ended cleanly.
// It doesn't wait longer than patience.
func (w *stream) read() (sent, error) {
	impatient := time.AfterFunc(patience, func() { _ = w.body.Close() })
	defer impatient.Stop()
	var event sent
	err := w.decoder.Decode(&event)
	return event, err
}

func (w *stream) next(t *testing.T) sent {
	t.Helper()
	event, err := w.read()
	if err != nil {
		t.Fatalf("reading an event: %v", err)
	}
	return event
}

// want ends the test unless the next events are these, each as brief returns it.
func (w *stream) want(t *testing.T, events ...string) {
	t.Helper()
	for _, want := range events {
		if got := w.next(t).brief(t); got != want {
			t.Fatalf("event %q instead of %q", got, want)
		}
	}
}

// watchState begins a watch whose first events are those of the Sessions as they are, in any order. From version 0 a watch
// may begin with an older state, because each replica has a cache of its own: it is repeated until it does not.
func (s *server) watchState(t *testing.T, query, version string, sessions []*v1alpha1.Session) (events *stream) {
	t.Helper()
	var want []string
	for _, session := range sessions {
		want = append(want, brief("ADDED", session))
	}
	slices.Sort(want)
	eventually(t, "the newest state from "+version, func() bool {
		events = s.watch(t, query+version)
		var got []string
		for range want {
			got = append(got, events.next(t).brief(t))
		}
		slices.Sort(got)
		newest := slices.Equal(got, want)
		if !newest && version != "&resourceVersion=0" {
			t.Fatalf("events %s instead of %s", strings.Join(got, ", "), strings.Join(want, ", "))
		}
		return newest
	})
	return events
}

// end fails the test unless the watch ends without a further event.
func (w *stream) end(t *testing.T) {
	t.Helper()
	if event, err := w.read(); !errors.Is(err, io.EOF) {
		t.Errorf("the watch goes on with %s (%v)", event.Type, err)
	}
}
