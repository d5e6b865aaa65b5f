// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// shown is a run that shows a snapshot.
type shown struct {
	Requests
	snap    *engine.Snapshot
	log     *logs.Store
	pressed []string
	err     error
}

func (s *shown) Snapshot() *engine.Snapshot { return s.snap }
func (s *shown) Logs() *logs.Store          { return s.log }

func (s *shown) Press(_ context.Context, button string, inputs []string) error {
	s.pressed = append(append(s.pressed, button), inputs...)
	return s.err
}

// show adds a run that began so many seconds after the first.
func show(r *Running, name string, second int, resources ...string) *shown {
	snap := &engine.Snapshot{StartTime: time.Date(2026, time.March, 1, 9, 0, second, 0, time.UTC)}
	for _, resource := range resources {
		snap.Resources = append(snap.Resources, engine.ResourceState{Name: resource})
	}
	s := &shown{snap: snap, log: logs.New(1<<20, clock.RealClock{})}
	r.add(name, s)
	return s
}

func namesOf(resources []*v1alpha1.UIResource) (names []string) {
	for _, resource := range resources {
		names = append(names, resource.Name)
	}
	return names
}

func unseen(string) *v1alpha1.UIResource { return nil }

// Names begin with that of the Session if there may be many. The object of the later Session yields.
func TestProjectManySessions(t *testing.T) {
	r := NewRunning()
	r.Many = true
	later := show(r, "a", 2, "b.c", "d")
	show(r, "a.b", 1, "c")
	first, _ := r.Project(unseen)
	resources, _ := r.Project(unseen)
	names := namesOf(resources)
	if want := []string{"a.b.(Tiltfile)", "a.b.c", "a.(Tiltfile)", "a.d"}; !slices.Equal(names, want) {
		t.Errorf("names = %q instead of %q", names, want)
	}
	var said []string
	for _, line := range later.log.Tail(model.TiltfileResource, 9) {
		said = append(said, line.Text)
	}
	want := `"b.c" isn't shown as uiresource "a.b.c", because "c" of Session "a.b" has that name`
	if len(said) != 1 || !strings.Contains(said[0], want) {
		t.Errorf("the later Session says %q", said)
	}
	if !slices.Equal(first, resources) {
		t.Error("runs that have published nothing new are projected again")
	}

	// A name becomes free with the end of its Session, and nothing of that is kept.
	r.end("a.b")
	r.forget("a.b")
	resources, _ = r.Project(unseen)
	names = namesOf(resources)
	if want := []string{"a.(Tiltfile)", "a.b.c", "a.d"}; !slices.Equal(names, want) || len(r.shown) != 1 {
		t.Errorf("names = %q instead of %q, of %d runs", names, want, len(r.shown))
	}
}

// Each change is announced to who waits for it.
func TestVersionOfRuns(t *testing.T) {
	r := NewRunning()
	before, changed := r.Version()
	show(r, "a", 1)
	<-changed
	after, changed := r.Version()
	r.changed()
	<-changed
	if last, _ := r.Version(); before == after || after == last {
		t.Errorf("versions %d, %d, %d", before, after, last)
	}
}

func TestPressedButtons(t *testing.T) {
	r := NewRunning()
	s := show(r, "a", 1)
	button := &v1alpha1.UIButton{
		ObjectMeta: metav1.ObjectMeta{Name: "a.x", Annotations: map[string]string{v1alpha1.UISession: "a", v1alpha1.UIName: "x"}},
		Spec:       v1alpha1.UIButtonSpec{Inputs: []v1alpha1.UIInputSpec{{Name: "T", Text: &v1alpha1.UITextInputSpec{DefaultValue: "t"}}}},
	}
	if err := r.Press(t.Context(), button); err != nil || !slices.Equal(s.pressed, []string{"x", "T=t"}) {
		t.Errorf("pressed %q (%v)", s.pressed, err)
	}
	for _, err := range []error{engine.ErrEnded, engine.ErrNoButton} {
		s.err = err
		if got := r.Press(t.Context(), button); !apierrors.IsConflict(got) || !strings.Contains(got.Error(), err.Error()) {
			t.Errorf("%v is answered as %v", err, got)
		}
	}
	s.err = context.DeadlineExceeded
	if err := r.Press(t.Context(), button); !apierrors.IsTimeout(err) {
		t.Errorf("a run that doesn't answer: %v", err)
	}
	button.Annotations[v1alpha1.UISession] = "gone"
	if err := r.Press(t.Context(), button); !apierrors.IsConflict(err) {
		t.Errorf("a run that is gone: %v", err)
	}
}
