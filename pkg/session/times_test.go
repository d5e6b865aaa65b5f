// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// built is a build with its moments in seconds.
func built(queued, allowed, start, finish float64, err string) *engine.Build {
	return &engine.Build{Queued: sec(queued), Allowed: sec(allowed), Start: sec(start), Finish: sec(finish), Error: err}
}

// sec is a moment of the run, zero for 0.
func sec(s float64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return at(time.Duration(s * float64(time.Second)))
}

// seconds shows the times of a target, "-" for those that haven't come.
func seconds(t *v1alpha1.TargetTimes) string {
	if t == nil {
		return ""
	}
	var words []string
	for _, moment := range []*metav1.MicroTime{t.QueuedTime, t.AllowedTime, t.StartTime, t.ReadyTime, t.FinishTime} {
		if moment == nil {
			words = append(words, "-")
		} else {
			words = append(words, fmt.Sprint(moment.Sub(start).Seconds()))
		}
	}
	return strings.Join(words, " ")
}

func retried(b *engine.Build) *engine.Build {
	b.Attempt = 1
	return b
}

func TestTimes(t *testing.T) {
	ended := &engine.History{Ended: []*engine.Build{built(1, 2, 3, 4, ""), built(1, 1, 1, 1, "")}}
	runs := &engine.History{Current: built(5, 6, 7, 0, ""), Ended: ended.Ended}
	for name, c := range map[string]struct {
		update  *engine.UpdateState
		runtime *engine.RuntimeState
		want    string
	}{
		"never requested": {update: &engine.UpdateState{History: ended}},
		"runs":            {update: &engine.UpdateState{Running: sec(7), History: runs}, want: "5 6 7 - -"},
		"succeeded":       {update: &engine.UpdateState{Last: &engine.Exit{}, History: ended}, want: "1 2 3 4 4"},
		"failed": {update: &engine.UpdateState{Last: &engine.Exit{Error: "no"},
			History: &engine.History{Ended: []*engine.Build{built(1, 2, 3, 4, "no")}}}, want: "1 2 3 - 4"},
		"queued again": {update: &engine.UpdateState{Hold: engine.HoldWaitingForDep, Queued: sec(8), Last: &engine.Exit{},
			History: ended}, want: "8 - - - -"},
		"allowed": {update: &engine.UpdateState{Hold: engine.HoldWaitingForSlot, Queued: sec(8), Allowed: sec(9)},
			want: "8 9 - - -"},
		"second attempt": {update: &engine.UpdateState{Running: sec(5), History: &engine.History{
			Current: retried(built(5, 5, 5, 0, "")), Ended: ended.Ended}}, want: "1 2 3 - -"},
		"second attempt succeeded": {update: &engine.UpdateState{Last: &engine.Exit{}, History: &engine.History{
			Ended: append([]*engine.Build{retried(built(5, 5, 5, 7, ""))}, ended.Ended...)}}, want: "1 2 3 7 7"},
		"before an attempt": {update: &engine.UpdateState{Hold: engine.HoldRetrying, Retry: true, History: &engine.History{
			Ended: []*engine.Build{built(1, 2, 3, 4, "no")}}}, want: "1 2 3 - -"},
		"an attempt waits for its turn": {update: &engine.UpdateState{Hold: engine.HoldWaitingForSlot, Queued: sec(8),
			Retry: true, History: &engine.History{Ended: []*engine.Build{built(1, 2, 3, 4, "no")}}}, want: "1 2 3 - -"},
		"waits for a trigger": {update: &engine.UpdateState{Hold: engine.HoldPendingTrigger, Last: &engine.Exit{},
			History: ended}, want: "1 2 3 4 4"},
		"server is ready": {runtime: &engine.RuntimeState{Queued: sec(1), Allowed: sec(2), Start: sec(3), Ready: sec(4.0000017),
			Running: &engine.Running{Phase: engine.Ready}}, want: "1 2 3 4.000001 -"},
		"server has ended": {runtime: &engine.RuntimeState{Queued: sec(1), Allowed: sec(2), Start: sec(3),
			Exit: &engine.Exit{Start: sec(3), Finish: sec(5)}}, want: "1 2 3 - 5"},
		"server has failed at once": {runtime: &engine.RuntimeState{Queued: sec(1), Allowed: sec(2), Start: sec(3), Ready: sec(3),
			Exit: &engine.Exit{Start: sec(3), Finish: sec(3.5), Error: "no"}}, want: "1 2 3 - 3.5"},
		"server was ready and has failed": {runtime: &engine.RuntimeState{Queued: sec(1), Allowed: sec(2), Start: sec(3), Ready: sec(3),
			Exit: &engine.Exit{Start: sec(3), Finish: sec(9), Error: "no"}}, want: "1 2 3 3 9"},
		"workload has succeeded": {runtime: &engine.RuntimeState{Queued: sec(1), Allowed: sec(2), Start: sec(3), Ready: sec(6),
			Ends: true, Running: &engine.Running{Phase: engine.Succeeded, Start: sec(3), Changed: sec(6)}}, want: "1 2 3 6 6"},
		"server was never requested": {runtime: &engine.RuntimeState{}},
	} {
		r := engine.ResourceState{Name: "a", Update: c.update, Runtime: c.runtime}
		if c.runtime != nil {
			r.Runtime.Verb = "serve"
		}
		got := targetsOf(run(r))[0]
		if text := seconds(got.Times); text != c.want {
			t.Errorf("%s: times of %s are %q, want %q", name, got.Name, text, c.want)
		}
		r.Disabled = true
		if got := targetsOf(run(r))[0]; got.Times != nil {
			t.Errorf("%s: the times of a disabled target are %q", name, seconds(got.Times))
		}
	}
}

func TestTimesOfTiltfile(t *testing.T) {
	history := &engine.History{Ended: []*engine.Build{built(1, 1, 1, 2, "")}}
	snap := &engine.Snapshot{Tiltfile: engine.TiltfileState{Last: &engine.Exit{}, History: history}}
	if got := seconds(targetsOf(snap)[0].Times); got != "1 1 1 2 2" {
		t.Errorf("times %q", got)
	}
	snap.Tiltfile.Pending, snap.Tiltfile.Queued = true, sec(3)
	got := targetsOf(snap)[0]
	if seconds(got.Times) != "3 3 - - -" || !got.State.Waiting.Since.Equal(pointerTo(sec(3))) {
		t.Errorf("while another evaluation is due: %+v, times %s", got.State.Waiting, seconds(got.Times))
	}
}

func TestWaits(t *testing.T) {
	ok, bad := succeeded(time.Second), failed(time.Second, "no")
	waits := func(hold engine.Hold, on ...string) engine.UpdateState {
		return engine.UpdateState{Hold: hold, Wait: &engine.Wait{Since: sec(2), On: on}}
	}
	serve := func(u *engine.UpdateState, s engine.RuntimeState) engine.ResourceState {
		r := server("", s)
		r.Update = u
		return r
	}
	states := map[string]engine.ResourceState{
		"job":     job("", ok),
		"failing": serve(&bad, engine.RuntimeState{Hold: engine.HoldUpdateFailed, Wait: &engine.Wait{Since: sec(2), On: []string{"failing"}}}),
		"serving": serve(&ok, notReady(0)),
		"only":    server("", notReady(0)),
		"absent": {Update: &ok, Runtime: &engine.RuntimeState{Verb: "runtime",
			Running: &engine.Running{Phase: engine.Absent}}},
		"live": serve(pointer(waits(engine.HoldReconciling, "live")), notReady(0)),
		"all": job("", waits(engine.HoldWaitingForDep, "serving", "only", "job", "failing", "gone", "absent", "image:x",
			model.TiltfileResource)),
	}
	snap := run()
	for _, name := range slices.Sorted(maps.Keys(states)) {
		r := states[name]
		r.Name = name
		snap.Resources = append(snap.Resources, r)
	}
	got := map[string]string{}
	for _, target := range targetsOf(snap) {
		if w := target.State.Waiting; w != nil {
			got[target.Name] = fmt.Sprintf("%v %v", w.Since.Sub(start), w.On)
		}
	}
	want := map[string]string{
		"all:update":    "2s [absent:update failing:update image:x job:update only:serve serving:serve tiltfile:update]",
		"failing:serve": "2s [failing:update]",
		"live:update":   "2s [live:serve]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}
