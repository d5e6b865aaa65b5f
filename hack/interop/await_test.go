// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"testing"

	tilt "github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// await watches one Session, from its present state on, until an event is the
// one that's wanted, and returns its object.
func await(t *testing.T, c client.WithWatch, name, what string, wanted func(watch.EventType, *tilt.Session) bool) *tilt.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	events, err := c.Watch(ctx, &tilt.SessionList{}, client.MatchingFieldsSelector{
		Selector: fields.OneTermEqualSelector("metadata.name", name)})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	return next(t, events, what, wanted)
}

// next returns the object of the first event that's wanted.
func next(t *testing.T, events watch.Interface, what string, wanted func(watch.EventType, *tilt.Session) bool) *tilt.Session {
	t.Helper()
	for event := range events.ResultChan() {
		s, ok := event.Object.(*tilt.Session)
		if !ok {
			t.Fatalf("the watch tells of %T: %v", event.Object, event.Object)
		}
		if wanted(event.Type, s) {
			return s
		}
	}
	t.Fatalf("the watch ended before %s", what)
	return nil
}
