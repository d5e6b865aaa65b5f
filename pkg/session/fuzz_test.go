// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// dice turns fuzz input into choices; what's beyond its end is 0.
type dice struct{ data []byte }

func (d *dice) roll(sides int) int {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return int(b) % sides
}

func (d *dice) bool() bool { return d.roll(2) == 1 }

func (d *dice) time() time.Time {
	if d.bool() {
		return time.Time{}
	}
	return at(time.Duration(d.roll(256)) * 100 * time.Millisecond)
}

func (d *dice) text() string {
	return []string{"", "boom", "bad \xff byte", strings.Repeat("long ", 9000)}[d.roll(4)]
}

func (d *dice) hold() engine.Hold {
	return []engine.Hold{engine.HoldNone, engine.HoldStarting, engine.HoldWaitingForDep, engine.HoldRestarting}[d.roll(4)]
}

func (d *dice) exit() *engine.Exit {
	if d.bool() {
		return nil
	}
	e := &engine.Exit{Start: d.time(), Finish: d.time(), Error: d.text()}
	if d.bool() {
		e.Code = pointer(d.roll(256))
	}
	if d.bool() {
		e.Signal = "killed"
	}
	return e
}

func (d *dice) resource(name string) engine.ResourceState {
	r := engine.ResourceState{Name: name, Disabled: d.roll(8) == 1}
	if d.bool() {
		r.Update = &engine.UpdateState{Hold: d.hold(), Running: d.time(), Last: d.exit(), Queued: d.time(), Allowed: d.time(),
			Wait: d.wait(), History: d.history()}
	}
	if d.bool() {
		r.Runtime = &engine.RuntimeState{Verb: "serve", Ends: d.bool(), Hold: d.hold(), Exit: d.exit(), Detail: d.text(),
			Wait: d.wait(), Queued: d.time(), Start: d.time(), Ready: d.time(),
			ReadinessTimeout: time.Duration(d.roll(20)) * time.Second, Down: d.time()}
		if d.bool() {
			r.Runtime.Running = &engine.Running{Start: d.time(), Phase: engine.Phase(d.roll(6)), Reason: d.text(),
				Error: d.text(), Since: d.time(), Changed: d.time(), LastReady: d.time()}
		}
	}
	return r
}

func (d *dice) wait() *engine.Wait {
	if d.bool() {
		return nil
	}
	on := []string{"r0\xff", "r1\xff", "image:i0", model.TiltfileResource, "missing"}
	return &engine.Wait{Since: d.time(), On: on[d.roll(5):]}
}

func (d *dice) history() *engine.History {
	build := func() *engine.Build {
		return &engine.Build{Queued: d.time(), Allowed: d.time(), Start: d.time(), Finish: d.time(), Error: d.text()}
	}
	switch d.roll(4) {
	case 0:
		return nil
	case 1:
		return &engine.History{Current: build()}
	case 2:
		return &engine.History{Ended: []*engine.Build{build()}}
	}
	return &engine.History{Current: build(), Ended: []*engine.Build{build()}}
}

func (d *dice) snapshot() *engine.Snapshot {
	snap := &engine.Snapshot{PID: d.roll(256), StartTime: d.time()}
	snap.Tiltfile = engine.TiltfileState{Pending: d.bool(), Running: d.time(), Last: d.exit()}
	if d.bool() {
		snap.Tiltfile.CI = &model.CISettings{Settle: pointer(time.Duration(d.roll(100)) * 100 * time.Millisecond)}
	}
	for i := range d.roll(5) {
		snap.Resources = append(snap.Resources, d.resource(fmt.Sprintf("r%d\xff", d.roll(3)+i)))
	}
	for i := range d.roll(3) {
		image := d.resource(fmt.Sprintf("image:i%d", i))
		image.Update = &engine.UpdateState{Hold: d.hold(), Running: d.time(), Last: d.exit(), Wait: d.wait()}
		image.Runtime = nil
		snap.Images = append(snap.Images, image)
	}
	return snap
}

func (d *dice) session() *v1alpha1.Session {
	s := ci(time.Duration(d.roll(256)-20)*100*time.Millisecond, time.Duration(d.roll(256)-20)*100*time.Millisecond)
	s.Spec.ExitCondition = []v1alpha1.ExitCondition{"ci", "manual", "", "odd"}[d.roll(4)]
	if d.bool() {
		s.Spec.CI = nil
	}
	if d.bool() {
		s = keepingGoing(s)
	}
	return s
}

// FuzzStatus plays random snapshots against one Session, as a controller does,
// and checks what holds for every status.
func FuzzStatus(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("a job here, a server there, and some time between them"))
	f.Add([]byte{0, 0, 0, 0, 1, 0, 1, 0, 0, 9, 9, 9, 1, 1, 1, 0, 0, 7, 0, 8, 2, 1, 3, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &dice{data}
		session := d.session()
		now := start
		for range 3 {
			snap := d.snapshot()
			now = now.Add(time.Duration(d.roll(256)) * 100 * time.Millisecond)
			wasDone := session.Status.Done
			status, next := Status(snap, session, now)
			checkStatus(t, status, next, now)
			if !wasDone {
				checkPhases(t, snap, status)
				checkMayEnd(t, snap, session, status)
			} else if !equality.Semantic.DeepEqual(status, session.Status) {
				t.Error("a done Session changed")
			}
			session.Status = status
			if again, _ := Status(snap, session, now); !equality.Semantic.DeepEqual(again, status) {
				t.Errorf("not stable:\n%+v\n%+v", status, again)
			}
		}
	})
}

func checkStatus(t *testing.T, status v1alpha1.SessionStatus, next, now time.Time) {
	if !next.IsZero() && !next.After(now) {
		t.Errorf("next look at %v, which isn't after %v", next, now)
	}
	if status.Done && !next.IsZero() {
		t.Error("done, but wants to look again")
	}
	if status.Targets == nil {
		t.Error("targets are nil")
	}
	if !slices.IsSortedFunc(status.Targets, func(a, b v1alpha1.Target) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("targets aren't sorted")
	}
	for _, target := range status.Targets {
		set := 0
		for _, is := range []bool{target.State.Active != nil, target.State.Waiting != nil, target.State.Terminated != nil, target.State.Disabled != nil} {
			if is {
				set++
			}
		}
		if set > 1 {
			t.Errorf("%s has %d states", target.Name, set)
		}
	}
	good := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.SessionConditionSucceeded)
	bad := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.SessionConditionFailed)
	if status.Done != (good != bad) || good && bad {
		t.Errorf("done %v, Succeeded %v, Failed %v", status.Done, good, bad)
	}
	if bad != (status.Error != "") || good != (VerdictOf(status) == Succeeded) {
		t.Errorf("verdict %q, error %q, Succeeded %v, Failed %v", VerdictOf(status), status.Error, good, bad)
	}
	// What a server refuses could never be published.
	if errs := v1alpha1.ValidateSessionStatusUpdate(&v1alpha1.Session{Status: status}, nil); len(errs) > 0 {
		t.Error(errs.ToAggregate())
	}
	checkRoundTrip(t, status)
}

// checkRoundTrip makes sure that what's read back compares as equal, or a
// controller would write it again and again.
func checkRoundTrip(t *testing.T, status v1alpha1.SessionStatus) {
	data, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var back v1alpha1.SessionStatus
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(status, back) {
		t.Errorf("changed by a round trip:\n%+v\n%+v", status, back)
	}
}

// checkPhases makes sure that the short way to a phase leads to the same as the way through the published status.
func checkPhases(t *testing.T, snap *engine.Snapshot, status v1alpha1.SessionStatus) {
	var direct, published []Phase
	for _, p := range Phases(snap) {
		if p != PhaseAbsent {
			direct = append(direct, p)
		}
	}
	for _, target := range status.Targets {
		published = append(published, PhaseOf(target.State))
	}
	slices.Sort(direct)
	slices.Sort(published)
	if !slices.Equal(direct, published) {
		t.Errorf("phases %v, published %v", direct, published)
	}
}

// checkMayEnd makes sure that no verdict is missed, but for those of time alone.
func checkMayEnd(t *testing.T, snap *engine.Snapshot, session *v1alpha1.Session, status v1alpha1.SessionStatus) {
	switch verdict := VerdictOf(status); verdict {
	case Undecided, Timeout, ReadinessTimeout:
	default:
		if !MayEnd(snap, session) {
			t.Errorf("verdict %s, which isn't expected", verdict)
		}
	}
}
