// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltapiserver_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	sessions "tilt.dev/session/pkg/generated/clientset/versioned/typed/core/v1alpha1"
	testserver "tilt.dev/session/pkg/testing/server"
)

// The steps omit known faults of tilt-apiserver: it doesn't sort a list, makes an event of a write that
// changes nothing, refuses one without a resourceVersion, drops managedFields with the status, and doesn't count a
// deletion that has to wait as a generation.

// result is the response to a request, without what differs between two servers.
type result struct {
	Step    string
	Session *v1alpha1.Session
	Names   []string
	Error   *metav1.Status
}

// client is a user of one server, with a record of its responses.
type client struct {
	sessions.SessionInterface
	record []result
}

func (c *client) keep(step string, session *v1alpha1.Session, err error) *v1alpha1.Session {
	r := result{Step: step, Error: statusOf(err)}
	if err == nil && session != nil {
		r.Session = common(session)
	}
	c.record = append(c.record, r)
	return session
}

func (c *client) keepList(step string, list *v1alpha1.SessionList, err error) {
	r := result{Step: step, Error: statusOf(err)}
	if err == nil {
		r.Names = []string{}
		for i := range list.Items {
			r.Names = append(r.Names, list.Items[i].Name)
		}
		slices.Sort(r.Names)
	}
	c.record = append(c.record, r)
}

// statusOf returns the Status of an error.
func statusOf(err error) *metav1.Status {
	var refused apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		status := refused.Status()
		return &status
	default:
		return &metav1.Status{Message: fmt.Sprintf("not an answer of the API: %v", err)}
	}
}

// common returns a Session without the metadata that a server sets.
func common(session *v1alpha1.Session) *v1alpha1.Session {
	session = session.DeepCopy()
	session.UID, session.ResourceVersion = "", ""
	session.CreationTimestamp = metav1.Time{}
	session.ManagedFields = nil
	session.TypeMeta = metav1.TypeMeta{}
	return session
}

func TestSessionsAreServedAsByOurOwnServer(t *testing.T) {
	own := &client{SessionInterface: testserver.Start(t).Clientset(t).TiltV1alpha1().Sessions()}
	hosted := &client{SessionInterface: clientset(t, host(t)).TiltV1alpha1().Sessions()}
	for _, c := range []*client{own, hosted} {
		var events watch.Interface
		if withWatch {
			events = c.watch(t)
		}
		c.create(t)
		c.read(t)
		c.update(t)
		c.updateStatus(t)
		c.patch(t)
		c.delete(t)
		if withWatch {
			c.keepEvents(t, events)
		}
	}
	if diff := cmp.Diff(own.record, hosted.record); diff != "" {
		t.Errorf("own server (-), tilt-apiserver (+):\n%s", diff)
	}
}

// wanted returns a Session as a client sends it.
func wanted(name string) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      map[string]string{"team": "a"},
			Annotations: map[string]string{"tilt.dev/resource": "(Tiltfile)"},
		},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath:  "/src/Tiltfile",
			ExitCondition: v1alpha1.ExitConditionCI,
			CI:            &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: time.Minute}},
		},
	}
}

// seen returns a status in which each field is set.
func seen() v1alpha1.SessionStatus {
	at := func(second int) metav1.MicroTime {
		return metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, second, 123456000, time.UTC).Local())
	}
	code := int32(3)
	return v1alpha1.SessionStatus{
		PID:       1 << 40,
		StartTime: at(0),
		Done:      true,
		Error:     "b: exit status 3",
		Targets: []v1alpha1.Target{
			{Name: "a:serve", Type: v1alpha1.TargetTypeServer, Resources: []string{"a"}, State: v1alpha1.TargetState{
				Active: &v1alpha1.TargetStateActive{StartTime: at(1), Ready: true, LastReadyTime: at(2)}}},
			{Name: "b:update", Type: v1alpha1.TargetTypeJob, Resources: []string{"b"}, State: v1alpha1.TargetState{
				Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(1), FinishTime: at(3), Error: "exit status 3",
					GraceStatus: v1alpha1.TargetGraceExceeded, ExitCode: &code}}},
			{Name: "c:serve", Type: v1alpha1.TargetTypeServer, Resources: []string{"c"}, State: v1alpha1.TargetState{
				Terminated: &v1alpha1.TargetStateTerminated{StartTime: at(1), FinishTime: at(3), Error: "signal: killed", Signal: "killed"}}},
			{Name: "d:update", Type: v1alpha1.TargetTypeJob, Resources: []string{}, State: v1alpha1.TargetState{
				Waiting: &v1alpha1.TargetStateWaiting{WaitReason: "dependency"}}},
			{Name: "e:update", Type: v1alpha1.TargetTypeJob, Resources: []string{"e"}, State: v1alpha1.TargetState{
				Disabled: &v1alpha1.TargetStateDisabled{}}},
		},
		Conditions: []metav1.Condition{{
			Type: v1alpha1.SessionConditionFailed, Status: metav1.ConditionTrue, Reason: "TargetFailed",
			Message: "b: exit status 3", LastTransitionTime: metav1.NewTime(at(3).Truncate(time.Second)),
		}},
	}
}

func (c *client) create(t *testing.T) {
	session := wanted("a")
	session.Status, session.Generation = seen(), 7
	created, err := c.Create(t.Context(), session, metav1.CreateOptions{})
	c.keep("create with a status, which isn't for clients to set", created, err)
	if err != nil || created.Generation != 1 || created.Status.PID != 0 || created.UID == "" || created.CreationTimestamp.IsZero() {
		t.Errorf("created %+v: %v", created, err)
	}
	created, err = c.Create(t.Context(), session, metav1.CreateOptions{})
	c.keep("create what exists", created, err)

	session = wanted("invalid")
	session.Spec = v1alpha1.SessionSpec{ExitCondition: "never", CI: &v1alpha1.SessionCISpec{Timeout: &metav1.Duration{Duration: -1}}}
	created, err = c.Create(t.Context(), session, metav1.CreateOptions{})
	c.keep("create with three faults", created, err)
	if causes := len(statusOf(err).Details.Causes); causes != 3 {
		t.Errorf("%d causes for three faults: %v", causes, err)
	}
	for _, name := range []string{"b", "c"} {
		session = wanted(name)
		session.Labels["team"] = name
		created, err = c.Create(t.Context(), session, metav1.CreateOptions{})
		c.keep("create "+name, created, err)
	}
}

func (c *client) read(t *testing.T) {
	session, err := c.Get(t.Context(), "a", metav1.GetOptions{})
	c.keep("get", session, err)
	session, err = c.Get(t.Context(), "none", metav1.GetOptions{})
	c.keep("get what doesn't exist", session, err)
	for _, options := range []metav1.ListOptions{
		{},
		{LabelSelector: "team in (a, b)"},
		{FieldSelector: "metadata.name=b"},
		{LabelSelector: "team=none"},
	} {
		list, err := c.List(t.Context(), options)
		c.keepList(fmt.Sprintf("list by %q and %q", options.LabelSelector, options.FieldSelector), list, err)
	}
}

func (c *client) update(t *testing.T) {
	stale := c.get(t, "a")
	session := stale.DeepCopy()
	session.Spec.ExitCondition = v1alpha1.ExitConditionManual
	session.Status = seen()
	updated, err := c.Update(t.Context(), session, metav1.UpdateOptions{})
	c.keep("update the spec, with a status that doesn't count", updated, err)
	if err != nil || updated.Generation != 2 || updated.Status.Done {
		t.Errorf("updated %+v: %v", updated, err)
	}
	stale.Labels["team"] = "late"
	updated, err = c.Update(t.Context(), stale, metav1.UpdateOptions{})
	c.keep("update what has changed meanwhile", updated, err)

	session = c.get(t, "a")
	session.Labels["team"] = "z"
	updated, err = c.Update(t.Context(), session, metav1.UpdateOptions{})
	c.keep("update the metadata", updated, err)

	session = c.get(t, "a")
	session.Spec = v1alpha1.SessionSpec{}
	updated, err = c.Update(t.Context(), session, metav1.UpdateOptions{})
	c.keep("update with faults", updated, err)
}

func (c *client) updateStatus(t *testing.T) {
	session := c.get(t, "a")
	session.Status = seen()
	session.Spec.TiltfilePath = "/elsewhere"
	session.Labels["team"] = "y"
	updated, err := c.UpdateStatus(t.Context(), session, metav1.UpdateOptions{})
	c.keep("update the status, with a spec that doesn't count", updated, err)
	if err != nil || updated.Spec.TiltfilePath != "/src/Tiltfile" || updated.Generation != 2 {
		t.Fatalf("updated %+v: %v", updated, err)
	}
	if diff := cmp.Diff(seen(), updated.Status); diff != "" {
		t.Errorf("status written (-), answered (+):\n%s", diff)
	}
	session = updated.DeepCopy()
	session.Status.PID = -1
	session.Status.Targets[0].Type = "daemon"
	updated, err = c.UpdateStatus(t.Context(), session, metav1.UpdateOptions{})
	c.keep("update the status with faults", updated, err)
}

func (c *client) patch(t *testing.T) {
	for _, p := range []struct {
		step        string
		kind        types.PatchType
		body        string
		subresource []string
	}{
		{"merge patch of the spec", types.MergePatchType, `{"spec":{"ci":{"timeout":"90s"}}}`, nil},
		{"JSON patch", types.JSONPatchType, `[{"op":"test","path":"/spec/tiltfilePath","value":"/src/Tiltfile"},{"op":"add","path":"/metadata/labels/more","value":"x"}]`, nil},
		{"merge patch of the status", types.MergePatchType, `{"status":{"done":false,"error":""}}`, []string{"status"}},
		{"merge patch of a label, with a status that doesn't count", types.MergePatchType, `{"metadata":{"labels":{"more":"y"}},"status":{"pid":3}}`, nil},
		{"merge patch with a fault", types.MergePatchType, `{"spec":{"exitCondition":"never"}}`, nil},
	} {
		session, err := c.Patch(t.Context(), "a", p.kind, []byte(p.body), metav1.PatchOptions{}, p.subresource...)
		c.keep(p.step, session, err)
	}
}

func (c *client) delete(t *testing.T) {
	session := c.get(t, "b")
	session.Finalizers = []string{"tilt.dev/test"}
	updated, err := c.Update(t.Context(), session, metav1.UpdateOptions{})
	c.keep("add a finalizer", updated, err)
	c.keep("delete what a finalizer holds", nil, c.Delete(t.Context(), "b", metav1.DeleteOptions{}))
	session = c.get(t, "b")
	if session.DeletionTimestamp.IsZero() {
		t.Error("what a finalizer holds is deleted without a deletion time")
	}
	session.Finalizers = nil
	if _, err = c.Update(t.Context(), session, metav1.UpdateOptions{}); err != nil {
		t.Errorf("dropping the last finalizer: %v", err)
	}
	session, err = c.Get(t.Context(), "b", metav1.GetOptions{})
	c.keep("get what has lost its last finalizer", session, err)

	c.keep("delete", nil, c.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	c.keep("delete what doesn't exist", nil, c.Delete(t.Context(), "a", metav1.DeleteOptions{}))
	err = c.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "team=c"})
	c.keep("delete a collection", nil, err)
	list, err := c.List(t.Context(), metav1.ListOptions{})
	c.keepList("list nothing", list, err)
}

func (c *client) watch(t *testing.T) watch.Interface {
	t.Helper()
	list, err := c.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := c.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(events.Stop)
	return events
}

// keepEvents records the events of Session a up to its deletion.
func (c *client) keepEvents(t *testing.T, events watch.Interface) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case event, open := <-events.ResultChan():
			session, ok := event.Object.(*v1alpha1.Session)
			if !open || !ok {
				t.Fatalf("the watch ended, or has an event of %#v", event.Object)
			}
			if session.Name != "a" {
				continue
			}
			c.keep("event "+string(event.Type), session, nil)
			if event.Type == watch.Deleted {
				return
			}
		case <-deadline:
			t.Fatal("the watch has no event of the deletion")
		}
	}
}

// get reads a Session that must exist.
func (c *client) get(t *testing.T, name string) *v1alpha1.Session {
	t.Helper()
	session, err := c.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return session
}
