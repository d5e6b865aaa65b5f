// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package housekeeper

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	testingclock "k8s.io/utils/clock/testing"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/generated/clientset/versioned"
	testserver "tilt.dev/session/pkg/testing/server"
)

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

// house is a server with a housekeeper whose clock the test moves.
type house struct {
	t     *testing.T
	set   *versioned.Clientset
	clock *testingclock.FakeClock
}

func newHouse(t *testing.T) *house {
	server := testserver.Start(t)
	h := &house{t: t, set: server.Clientset(t), clock: testingclock.NewFakeClock(time.Now())}
	keeper, err := New(Config{ClientConfig: server.LoopbackClientConfig(), Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- keeper.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return h
}

// register creates a Runner with a lease of 15 seconds.
func (h *house) register(name string) *v1alpha1.Runner {
	h.t.Helper()
	r, err := h.set.TiltV1alpha1().Runners().Create(h.t.Context(), &v1alpha1.Runner{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"name": name}},
		Spec:       v1alpha1.RunnerSpec{Capacity: 1, LeaseDurationSeconds: 15},
	}, metav1.CreateOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *house) renew(r *v1alpha1.Runner, running int32) *v1alpha1.Runner {
	h.t.Helper()
	now := metav1.NowMicro()
	r.Status.RenewTime, r.Status.Running = &now, running
	r, err := h.set.TiltV1alpha1().Runners().UpdateStatus(h.t.Context(), r, metav1.UpdateOptions{})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// create creates a Session that the Runner of a UID has claimed, and begun if it has a PID.
func (h *house) create(name string, exit v1alpha1.ExitCondition, uid types.UID, pid int64) {
	h.t.Helper()
	sessions := h.set.TiltV1alpha1().Sessions()
	s, err := sessions.Create(h.t.Context(), &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.SessionSpec{TiltfilePath: "/Tiltfile", ExitCondition: exit},
	}, metav1.CreateOptions{})
	if err == nil && uid != "" {
		s.Status.Runner = &v1alpha1.SessionRunner{
			Name: "one", UID: uid, ClaimTime: metav1.NowMicro(), LeaseDurationSeconds: 15,
		}
		s, err = sessions.UpdateStatus(h.t.Context(), s, metav1.UpdateOptions{})
	}
	if err == nil && uid != "" {
		s.Finalizers = []string{v1alpha1.Finalizer}
		s, err = sessions.Update(h.t.Context(), s, metav1.UpdateOptions{})
	}
	if err == nil && pid != 0 {
		s.Status.PID, s.Status.StartTime = pid, metav1.NowMicro()
		_, err = sessions.UpdateStatus(h.t.Context(), s, metav1.UpdateOptions{})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// await moves the clock in steps until a Session is as it should be, nil for one that is gone.
func (h *house) await(name, what string, step time.Duration, fits func(*v1alpha1.Session) bool) {
	h.t.Helper()
	var last *v1alpha1.Session
	err := wait.PollUntilContextTimeout(h.t.Context(), 20*time.Millisecond, 20*time.Second, true,
		func(ctx context.Context) (bool, error) {
			s, err := h.set.TiltV1alpha1().Sessions().Get(ctx, name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				s, err = nil, nil
			}
			last = s
			if err != nil || fits(s) {
				return err == nil, err
			}
			h.clock.Step(step)
			return false, nil
		})
	if err != nil {
		h.t.Fatalf("waiting until %s %s: %v; it is %+v", name, what, err, last)
	}
}

func TestLostRunner(t *testing.T) {
	for name, c := range map[string]struct{ gone, seen bool }{
		"not renewed": {false, false}, "record gone": {true, false}, "record seen and gone": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			one := h.renew(h.register("one"), 1)
			h.create("begun", v1alpha1.ExitConditionCI, one.UID, 7)
			h.create("claimed", v1alpha1.ExitConditionCI, one.UID, 0)
			h.create("manual", v1alpha1.ExitConditionManual, one.UID, 7)
			h.create("deleted", v1alpha1.ExitConditionManual, one.UID, 7)
			if err := h.set.TiltV1alpha1().Sessions().Delete(t.Context(), "deleted", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if c.seen {
				h.create("other", v1alpha1.ExitConditionManual, "", 0)
				h.await("other", "waits for a place", time.Second, func(s *v1alpha1.Session) bool { return reasonOf(s) == reasonFull })
			}
			if c.gone {
				if err := h.set.TiltV1alpha1().Runners().Delete(t.Context(), "one", metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			h.await("begun", "has failed", time.Second, func(s *v1alpha1.Session) bool { return s.Status.Done })
			h.await("claimed", "is unclaimed", time.Second, unclaimed)
			h.await("manual", "is unclaimed", time.Second, unclaimed)
			h.await("deleted", "is gone", time.Second, func(s *v1alpha1.Session) bool { return s == nil })
			begun, err := h.set.TiltV1alpha1().Sessions().Get(t.Context(), "begun", metav1.GetOptions{})
			if err != nil || !strings.Contains(begun.Status.Error, `the runner "one" was lost`) || held(begun) ||
				!meta.IsStatusConditionTrue(begun.Status.Conditions, v1alpha1.SessionConditionFailed) {
				t.Errorf("begun: %v, %+v", err, begun)
			}
		})
	}
}

func unclaimed(s *v1alpha1.Session) bool {
	return s.Status.Runner == nil && s.Status.PID == 0 && !held(s)
}

// A Runner that renews its record is never lost, however long that takes, and whatever its clock says.
func TestRenewedRunner(t *testing.T) {
	h := newHouse(t)
	one := h.register("one")
	h.create("begun", v1alpha1.ExitConditionCI, one.UID, 7)
	h.create("other", v1alpha1.ExitConditionManual, "", 0)
	for i := range 40 {
		one = h.renew(one, 1)
		one.Status.RenewTime.Time = one.Status.RenewTime.Add(-time.Duration(i) * time.Minute)
		h.clock.Step(2 * time.Second)
		time.Sleep(5 * time.Millisecond)
	}
	h.await("other", "waits for a place", 0, func(s *v1alpha1.Session) bool { return reasonOf(s) == reasonFull })
	if s, err := h.set.TiltV1alpha1().Sessions().Get(t.Context(), "begun", metav1.GetOptions{}); err != nil || s.Status.Done {
		t.Errorf("begun: %v, %+v", err, s.Status)
	}
}

func reasonOf(s *v1alpha1.Session) string {
	if c := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.SessionConditionScheduled); c != nil {
		return c.Reason
	}
	return ""
}

func TestExpiry(t *testing.T) {
	h := newHouse(t)
	ttl := int32(60)
	sessions := h.set.TiltV1alpha1().Sessions()
	s, err := sessions.Create(t.Context(), &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: v1alpha1.SessionSpec{
			TiltfilePath: "/Tiltfile", ExitCondition: v1alpha1.ExitConditionCI, TTLSecondsAfterFinished: &ttl,
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Status.Done = true
	s.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.SessionConditionSucceeded, Status: metav1.ConditionTrue, Reason: "Succeeded",
		LastTransitionTime: metav1.NewTime(h.clock.Now()),
	}}
	if _, err := sessions.UpdateStatus(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	begin := h.clock.Now()
	h.await("a", "is gone", time.Second, func(s *v1alpha1.Session) bool { return s == nil })
	if took := h.clock.Now().Sub(begin); took < time.Minute {
		t.Errorf("deleted after %v", took)
	}
}

func TestWhyUnclaimed(t *testing.T) {
	runner := func(name string, running int32, draining bool) *v1alpha1.Runner {
		return &v1alpha1.Runner{
			ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{"name": name}},
			Spec:       v1alpha1.RunnerSpec{Capacity: 2},
			Status:     v1alpha1.RunnerStatus{Running: running, Draining: draining},
		}
	}
	lost := map[types.UID]string{"lost": "it is"}
	for want, c := range map[string]struct {
		selector map[string]string
		runners  []*v1alpha1.Runner
	}{
		reasonNoRunners:   {nil, []*v1alpha1.Runner{runner("lost", 0, false), runner("drains", 0, true)}},
		reasonNotSelected: {map[string]string{"name": "b"}, []*v1alpha1.Runner{runner("a", 0, false)}},
		reasonFull:        {map[string]string{"name": "b"}, []*v1alpha1.Runner{runner("a", 0, false), runner("b", 2, false)}},
		reasonUnclaimed:   {nil, []*v1alpha1.Runner{runner("a", 1, false)}},
	} {
		s := &v1alpha1.Session{Spec: v1alpha1.SessionSpec{RunnerSelector: c.selector}}
		if got, message := whyUnclaimed(s, c.runners, lost); got != want || message == "" {
			t.Errorf("%s: %q, want %s", got, message, want)
		}
	}
}
