// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package uiresource_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/apiserver"
	client "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// It wakes readers that wait for a version, and sleeps for three seconds even when they don't need it any more.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"))
}

// runs is a source whose objects a test sets.
type runs struct {
	mu        sync.Mutex
	version   uint64
	next      chan struct{}
	asked     int
	projected int
	resources map[string]v1alpha1.UIResourceStatus
	buttons   map[string]v1alpha1.UIButtonSpec
	pressed   []string
	failure   error
}

// start returns clients of a server of a source that is set up by change.
func start(t *testing.T, change func(*runs)) (*runs, client.TiltV1alpha1Interface, *testserver.Server) {
	t.Helper()
	r := &runs{version: 1, resources: map[string]v1alpha1.UIResourceStatus{}, buttons: map[string]v1alpha1.UIButtonSpec{}}
	change(r)
	server := testserver.Start(t, testserver.Configure{Options: func(o *apiserver.Options) { o.UI = r }})
	return r, server.Clientset(t).TiltV1alpha1(), server
}

func (r *runs) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	r.version++
	if r.next != nil {
		close(r.next)
		r.next = nil
	}
}

func (r *runs) Version() (uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.next == nil {
		r.next = make(chan struct{})
	}
	return r.version, r.next
}

func (r *runs) Project(func(string) *v1alpha1.UIResource) (resources []*v1alpha1.UIResource, buttons []*v1alpha1.UIButton) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.projected++
	for name, status := range r.resources {
		resources = append(resources, &v1alpha1.UIResource{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"of": name}}, Status: status})
	}
	for name, spec := range r.buttons {
		buttons = append(buttons, &v1alpha1.UIButton{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec})
	}
	return resources, buttons
}

func (r *runs) Press(_ context.Context, button *v1alpha1.UIButton) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := button.Name
	for _, input := range button.Status.Inputs {
		text += " " + input.Name
	}
	r.pressed = append(r.pressed, text)
	return r.failure
}

func next(t *testing.T, w watch.Interface) (watch.EventType, *v1alpha1.UIResource) {
	t.Helper()
	select {
	case event, open := <-w.ResultChan():
		if !open {
			t.Fatal("the watch has ended")
		}
		object, _ := event.Object.(*v1alpha1.UIResource)
		return event.Type, object
	case <-time.After(30 * time.Second):
		t.Fatal("no event")
	}
	return "", nil
}

// A source is asked nothing before the first request. Then each answer has its state, and each watch follows it.
func TestReadAndWatch(t *testing.T) {
	r, api, server := start(t, func(r *runs) {
		r.resources["a"] = v1alpha1.UIResourceStatus{UpdateStatus: v1alpha1.UpdateStatusPending}
		r.resources["(Tiltfile)"] = v1alpha1.UIResourceStatus{UpdateStatus: v1alpha1.UpdateStatusOK}
	})
	if r.asked != 0 {
		t.Errorf("asked %d times before a request", r.asked)
	}
	list, err := api.UIResources().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 2 || list.Items[0].Name != "(Tiltfile)" || list.Items[1].UID == "" {
		t.Fatalf("list = %+v (%v)", list, err)
	}
	w, err := api.UIResources().Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion, LabelSelector: "of=a"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	r.set(func() {
		r.resources["a"] = v1alpha1.UIResourceStatus{UpdateStatus: v1alpha1.UpdateStatusOK, Queued: true}
	})
	got, err := api.UIResources().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil || got.Status.UpdateStatus != v1alpha1.UpdateStatusOK {
		t.Errorf("after a change: %+v (%v)", got, err)
	}
	if kind, object := next(t, w); kind != watch.Modified || object.Status.UpdateStatus != v1alpha1.UpdateStatusOK || object.UID != list.Items[1].UID {
		t.Errorf("event %s %+v", kind, object)
	}
	r.set(func() { delete(r.resources, "a") })
	if kind, object := next(t, w); kind != watch.Deleted || object.Name != "a" {
		t.Errorf("event %s %+v", kind, object)
	}
	r.set(func() { r.resources["a"] = v1alpha1.UIResourceStatus{} })
	if kind, object := next(t, w); kind != watch.Added || object.UID == list.Items[1].UID {
		t.Errorf("event %s %+v", kind, object)
	}

	// The last state reaches a watch before it ends.
	r.set(func() { r.resources["a"] = v1alpha1.UIResourceStatus{Queued: true} })
	delivered := make(chan error, 1)
	go func() { delivered <- server.Delivered(t.Context()) }()
	if kind, object := next(t, w); kind != watch.Modified || !object.Status.Queued {
		t.Errorf("event %s %+v", kind, object)
	}
	if err := <-delivered; err != nil {
		t.Error(err)
	}
}

// Changes without a watch and without a request are not projected. A watch that begins gets all of them.
func TestWithoutWatches(t *testing.T) {
	r, api, _ := start(t, func(r *runs) { r.resources["a"] = v1alpha1.UIResourceStatus{} })
	list, err := api.UIResources().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	counts := func() (asked, projected int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.asked, r.projected
	}
	_, first := counts()
	for order := range int32(3) {
		before, _ := counts()
		r.set(func() { r.resources["a"] = v1alpha1.UIResourceStatus{Order: order + 1} })
		for deadline := time.Now().Add(30 * time.Second); ; {
			if asked, _ := counts(); asked > before {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing follows the changes")
			}
			runtime.Gosched()
		}
	}
	if _, projected := counts(); projected != first {
		t.Errorf("projected %d times without a watch", projected-first)
	}
	w, err := api.UIResources().Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if kind, object := next(t, w); kind != watch.Modified || object.Status.Order != 3 {
		t.Errorf("event %s %+v", kind, object)
	}
}

// A version of another server, or of Sessions, is expired.
func TestVersionsOfOthers(t *testing.T) {
	set := func(r *runs) { r.resources["a"] = v1alpha1.UIResourceStatus{} }
	_, first, server := start(t, set)
	list, err := first.UIResources().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	_, second, _ := start(t, set)
	sessions, err := second.Sessions().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{list.ResourceVersion, sessions.ResourceVersion} {
		w, err := second.UIResources().Watch(t.Context(), metav1.ListOptions{ResourceVersion: version})
		if err == nil {
			event := <-w.ResultChan()
			err = apierrors.FromObject(event.Object)
			w.Stop()
		}
		if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
			t.Errorf("a watch from %s: %v", version, err)
		}
	}
}

func TestPress(t *testing.T) {
	r, api, _ := start(t, func(r *runs) {
		r.buttons["b"] = v1alpha1.UIButtonSpec{Text: "B", Inputs: []v1alpha1.UIInputSpec{
			{Name: "T", Text: &v1alpha1.UITextInputSpec{}}, {Name: "C", Choice: &v1alpha1.UIChoiceInputSpec{Choices: []string{"x"}}}}}
		r.buttons["off"] = v1alpha1.UIButtonSpec{Text: "O", Disabled: true}
	})
	pressAt := func(name string, second int, inputs ...v1alpha1.UIInputStatus) *v1alpha1.UIButton {
		at := metav1.NewMicroTime(time.Date(2026, time.March, 1, 9, 0, second, 0, time.UTC))
		return &v1alpha1.UIButton{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.UIButtonSpec{Text: "ignored"},
			Status: v1alpha1.UIButtonStatus{LastClickedAt: at, Inputs: inputs}}
	}
	write := func(button *v1alpha1.UIButton, dryRun ...string) (*v1alpha1.UIButton, error) {
		return api.UIButtons().UpdateStatus(t.Context(), button, metav1.UpdateOptions{DryRun: dryRun})
	}
	text := v1alpha1.UIInputStatus{Name: "T", Text: &v1alpha1.UITextInputStatus{Value: "t"}}
	want := func(pressed ...string) {
		t.Helper()
		r.mu.Lock()
		defer r.mu.Unlock()
		if !slices.Equal(r.pressed, pressed) {
			t.Errorf("pressed %q instead of %q", r.pressed, pressed)
		}
	}
	if _, err := write(pressAt("b", 1, text), metav1.DryRunAll); err != nil {
		t.Error(err)
	}
	want()
	written, err := write(pressAt("b", 1, text))
	if err != nil || written.Spec.Text != "B" || len(written.Status.Inputs) != 1 {
		t.Fatalf("button = %+v (%v)", written, err)
	}
	want("b T")
	if _, err := write(pressAt("b", 1, text)); err != nil {
		t.Error(err)
	}
	if _, err := write(pressAt("b", 0)); err != nil {
		t.Error(err)
	}
	want("b T")
	stale := pressAt("b", 5)
	stale.ResourceVersion = written.ResourceVersion
	if _, err := write(stale); !apierrors.IsConflict(err) {
		t.Errorf("of a former version: %v", err)
	}
	for name, button := range map[string]*v1alpha1.UIButton{
		"disabled":      pressAt("off", 1),
		"unknown input": pressAt("b", 6, v1alpha1.UIInputStatus{Name: "X", Text: &v1alpha1.UITextInputStatus{}}),
		"other kind":    pressAt("b", 6, v1alpha1.UIInputStatus{Name: "T", Bool: &v1alpha1.UIBoolInputStatus{}}),
		"no choice":     pressAt("b", 6, v1alpha1.UIInputStatus{Name: "C", Choice: &v1alpha1.UIChoiceInputStatus{Value: "z"}}),
		"NUL":           pressAt("b", 6, v1alpha1.UIInputStatus{Name: "T", Text: &v1alpha1.UITextInputStatus{Value: "\x00"}}),
	} {
		if _, err := write(button); !apierrors.IsInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	want("b T")
	if _, err := write(pressAt("none", 1)); !apierrors.IsNotFound(err) {
		t.Errorf("an unknown button: %v", err)
	}

	// What the Tiltfile says anew keeps the press. The error of a press is the answer.
	r.set(func() { r.buttons["b"] = v1alpha1.UIButtonSpec{Text: "new"} })
	r.failure = apierrors.NewConflict(v1alpha1.Resource("uibuttons"), "b", errors.New("over"))
	if _, err := write(pressAt("b", 7)); !apierrors.IsConflict(err) {
		t.Errorf("a press that fails: %v", err)
	}
	got, err := api.UIButtons().Get(t.Context(), "b", metav1.GetOptions{})
	if err != nil || got.Spec.Text != "new" || got.Status.LastClickedAt.Second() != 7 {
		t.Errorf("button = %+v (%v)", got, err)
	}
	want("b T", "b")
}
