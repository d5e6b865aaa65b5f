// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	tilt "github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// session is the key of the Session that "tilt-session up" runs.
var session = client.ObjectKey{Name: "Tiltfile"}

// testRun reads what tilt-session itself writes: Tilt's types understand all
// of it but the fields that are ours alone.
func testRun(t *testing.T, s *server) {
	c := s.tiltClient(t)
	awaitSettled(t, c)
	raw, read := readBoth(t, c)
	read.SetGroupVersionKind(raw.GroupVersionKind())
	written := object(t, read)
	exits := dropOurs(t, raw.Object)
	if diff := cmp.Diff(raw.Object, written); diff != "" {
		t.Errorf("served (-), read and written with Tilt's types (+):\n%s", diff)
	}
	want := map[string]any{"fails:update": int64(3), "killed:update": "killed", "succeeds:update": int64(0)}
	for target, exit := range want {
		if exits[target] != exit {
			t.Errorf("%s ended with %v, want %v", target, exits[target], exit)
		}
	}
}

// awaitSettled watches until the run has nothing more to do.
func awaitSettled(t *testing.T, c client.WithWatch) {
	t.Helper()
	await(t, c, session.Name, "every job has ended and the server is ready", func(_ watch.EventType, s *tilt.Session) bool {
		ended, ready := 0, 0
		for _, target := range s.Status.Targets {
			if target.Type == tilt.TargetTypeJob && target.State.Terminated != nil {
				ended++
			}
			if target.State.Active != nil && target.State.Active.Ready {
				ready++
			}
		}
		// Of the jobs one is the Tiltfile itself.
		return ended == 4 && ready == 1
	})
}

// readBoth reads one version of the Session twice: without any Go type, and
// with Tilt's.
func readBoth(t *testing.T, c client.Client) (*unstructured.Unstructured, tilt.Session) {
	t.Helper()
	for {
		var read tilt.Session
		raw := &unstructured.Unstructured{}
		raw.SetGroupVersionKind(tilt.SchemeGroupVersion.WithKind("Session"))
		if err := errors.Join(c.Get(t.Context(), session, raw), c.Get(t.Context(), session, &read)); err != nil {
			t.Fatal(err)
		}
		if raw.GetResourceVersion() == read.ResourceVersion {
			return raw, read
		}
	}
}

// object is a Session as its JSON has it.
func object(t *testing.T, s tilt.Session) map[string]any {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var o unstructured.Unstructured
	if err := o.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return o.Object
}

// dropOurs removes the fields that Tilt's types don't have, which must be
// there, and returns how each target's process has ended.
func dropOurs(t *testing.T, session map[string]any) map[string]any {
	t.Helper()
	status := session["status"].(map[string]any)
	for _, field := range []string{"ci", "conditions"} {
		if status[field] == nil {
			t.Errorf("the status has no %s", field)
		}
	}
	delete(status, "ci")
	delete(status, "conditions")
	exits := map[string]any{}
	for _, target := range status["targets"].([]any) {
		target := target.(map[string]any)
		state := target["state"].(map[string]any)
		delete(target, "times")
		if waiting, ok := state["waiting"].(map[string]any); ok {
			delete(waiting, "since")
			delete(waiting, "on")
		}
		terminated, ok := state["terminated"].(map[string]any)
		if !ok {
			continue
		}
		for _, field := range []string{"exitCode", "signal"} {
			if value, ok := terminated[field]; ok {
				exits[target["name"].(string)] = value
				delete(terminated, field)
			}
		}
	}
	return exits
}
