// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// large is the status of a run with n jobs of each kind, of which those that have failed have long errors.
func large(n int) v1alpha1.SessionStatus {
	var resources []engine.ResourceState
	for i := range n {
		add := func(kind string, state engine.UpdateState) {
			resources = append(resources, job(fmt.Sprintf("%s-%04d", kind, i), state))
		}
		add("a-failed", failed(time.Second, strings.Repeat("x", 1000)))
		add("b-active", running(0))
		add("c-waiting", engine.UpdateState{Hold: engine.HoldWaitingForDep})
		add("d-succeeded", succeeded(time.Second))
		add("e-inactive", engine.UpdateState{})
		resources = append(resources, server(fmt.Sprintf("f-ready-%04d", i), ready(0)))
	}
	status, _ := Status(run(resources...), ci(0, 0), at(time.Minute))
	return status
}

// kinds counts the targets by the first letter of their names.
func kinds(status v1alpha1.SessionStatus) map[string]int {
	counts := map[string]int{}
	for _, t := range status.Targets {
		counts[t.Name[:1]]++
	}
	return counts
}

func TestFit(t *testing.T) {
	whole := large(100)
	size := Size(whole)
	for _, test := range []struct {
		limit int
		want  map[string]int
	}{
		{0, map[string]int{"a": 100, "b": 100, "c": 100, "d": 100, "e": 100, "f": 100, "t": 1}},
		{size, map[string]int{"a": 100, "b": 100, "c": 100, "d": 100, "e": 100, "f": 100, "t": 1}},
		{size - 1, map[string]int{"a": 100, "b": 100, "c": 100, "d": 100, "e": 100, "f": 100, "t": 1}}, // shorter errors do
		{size - 76_000, map[string]int{"a": 100, "b": 100, "c": 100, "d": 100, "e": 45, "f": 100, "t": 1}},
		{size / 2, map[string]int{"a": 100, "b": 100, "c": 100, "d": 59, "f": 100, "t": 1}},
		{size / 4, map[string]int{"a": 98, "t": 1}},
		{1, map[string]int{}},
	} {
		got := Fit(whole, test.limit, ci(0, 0), at(time.Minute))
		counts := kinds(got)
		for kind, n := range test.want {
			if (n == 100 || n == 1) != (counts[kind] == n) {
				t.Errorf("limit %d: targets %v, want about %v", test.limit, counts, test.want)
				break
			}
		}
		if test.limit > 1 && Size(got) > test.limit {
			t.Errorf("limit %d: the result has %d bytes", test.limit, Size(got))
		}
		truncated := meta.FindStatusCondition(got.Conditions, v1alpha1.SessionConditionTruncated)
		if (truncated != nil) != (test.limit != 0 && test.limit < size) {
			t.Errorf("limit %d: condition %+v", test.limit, truncated)
		}
		if !got.Done || VerdictOf(got) != TargetFailed || got.Error == "" {
			t.Errorf("limit %d: the verdict is lost", test.limit)
		}
	}
	if diff := cmp.Diff(large(100), whole); diff != "" {
		t.Errorf("the argument was changed: %s", diff)
	}
}

// Truncated keeps its time as long as it's there, and goes with its cause.
func TestTruncatedCondition(t *testing.T) {
	whole := large(10)
	current := ci(0, 0)
	current.Status = Fit(whole, Size(whole)/2, current, at(0))
	again := Fit(large(10), Size(whole)/3, current, at(time.Hour))
	truncated := meta.FindStatusCondition(again.Conditions, v1alpha1.SessionConditionTruncated)
	if truncated == nil || !truncated.LastTransitionTime.Equal(&metav1.Time{Time: at(0).Truncate(time.Second)}) {
		t.Errorf("condition %+v", truncated)
	}
	if want := "targets are missing ("; !strings.Contains(truncated.Message, want) {
		t.Errorf("message %q", truncated.Message)
	}
	current.Status = again
	if gone := Fit(large(1), Size(whole), current, at(time.Hour)); meta.FindStatusCondition(gone.Conditions, v1alpha1.SessionConditionTruncated) != nil {
		t.Error("the condition stays although everything fits")
	}
}

// What can be computed again or found in the log goes first: times, then the ends of errors.
func TestFitLeavesOutTimesFirst(t *testing.T) {
	long := failed(time.Second, strings.Repeat("x", 1000))
	long.History = &engine.History{Ended: []*engine.Build{built(1, 2, 3, 4, "x")}}
	waits := engine.UpdateState{Hold: engine.HoldWaitingForDep, Queued: sec(1),
		Wait: &engine.Wait{Since: sec(1), On: []string{"a"}}}
	snap := run(job("a", long), job("b", waits))
	whole, _ := Status(snap, ci(0, 0), at(time.Minute))
	for range 20 {
		whole.Conditions[0].Message += "This is longer than the message of the condition that is added. "
	}
	got := Fit(whole, Size(whole)-1, ci(0, 0), at(time.Minute))
	a, b := got.Targets[0], got.Targets[1]
	if a.Times != nil || b.Times != nil || b.State.Waiting.Since != nil || b.State.Waiting.On != nil {
		t.Errorf("times are left: %+v, %+v", a, b.State.Waiting)
	}
	if len(a.State.Terminated.Error) != 1000 || whole.Targets[0].Times == nil || whole.Targets[1].State.Waiting.On == nil {
		t.Error("the error is shortened, or the argument changed")
	}
}
