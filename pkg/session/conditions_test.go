// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

func TestConditions(t *testing.T) {
	mixed := run(job("a", succeeded(1)), server("s", ready(1)), server("n", notReady(1)),
		job("w", engine.UpdateState{Hold: engine.HoldWaitingForDep}), job("i", engine.UpdateState{}))
	for name, tc := range map[string]struct {
		snap    *engine.Snapshot
		session *v1alpha1.Session
		want    []string // type status reason: message
	}{
		"going on": {mixed, ci(0, 0), []string{
			"Ready False NotReady: 3 of 5 requested targets are ready or have succeeded, 1 waiting, 1 not ready",
			"Succeeded False NotDone: The Session is done when every job has succeeded and every server is ready",
			"Failed False NotDone: The Session hasn't failed",
		}},
		"without targets": {run(), manual(), []string{
			"Ready False NoTargets: 1 of 1 requested targets are ready or have succeeded",
			"Succeeded False NotDone: The Session runs until it is ended",
			"Failed False NotDone: The Session hasn't failed",
		}},
		"retrying": {run(job("a", engine.UpdateState{Hold: engine.HoldRetrying, Last: &engine.Exit{Error: "x"}})), ci(0, 0), []string{
			"Ready False NotReady: 1 of 2 requested targets are ready or have succeeded, 1 retrying",
			"Succeeded False NotDone: The Session is done when every job has succeeded and every server is ready",
			"Failed False NotDone: The Session hasn't failed",
		}},
		"manual and healthy": {run(server("s", ready(1))), manual(), []string{
			"Ready True AllReady: 2 of 2 requested targets are ready or have succeeded",
			"Succeeded False NotDone: The Session runs until it is ended",
			"Failed False NotDone: The Session hasn't failed",
		}},
		"manual with a failure": {run(job("a", failed(1, "x"))), manual(), []string{
			"Ready False TargetFailed: 1 of 2 requested targets are ready or have succeeded, 1 failed",
			"Succeeded False NotDone: The Session runs until it is ended",
			"Failed False NotDone: The Session hasn't failed",
		}},
		"succeeded": {run(job("a", succeeded(1))), ci(0, 0), []string{
			"Ready True AllReady: 2 of 2 requested targets are ready or have succeeded",
			"Succeeded True Succeeded: Every requested job has succeeded and every requested server is ready",
			"Failed False Succeeded: The Session has succeeded",
		}},
		"failed": {run(job("a", failed(1, "a failed"))), ci(0, 0), []string{
			"Ready False TargetFailed: 1 of 2 requested targets are ready or have succeeded, 1 failed",
			"Succeeded False TargetFailed: The Session has failed",
			"Failed True TargetFailed: a failed",
		}},
		"timed out": {run(server("s", notReady(0))), ci(0, 1), []string{
			"Ready False NotReady: 1 of 2 requested targets are ready or have succeeded, 1 not ready",
			"Succeeded False ReadinessTimeout: The Session has failed",
			"Failed True ReadinessTimeout: Readiness timeout after 1ns: target s:serve not ready",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := Status(tc.snap, tc.session, at(time.Minute))
			var got []string
			for _, c := range status.Conditions {
				got = append(got, c.Type+" "+string(c.Status)+" "+c.Reason+": "+c.Message)
				if c.ObservedGeneration != tc.session.Generation {
					t.Errorf("%s is of generation %d, want %d", c.Type, c.ObservedGeneration, tc.session.Generation)
				}
				if want := at(time.Minute).Truncate(time.Second); c.LastTransitionTime.Time != want {
					t.Errorf("%s changed at %v, want %v", c.Type, c.LastTransitionTime, want)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTransitionTimeMovesOnChangeOnly(t *testing.T) {
	session := ci(0, 0)
	foreign := metav1.Condition{Type: "Reviewed", Status: metav1.ConditionTrue, Reason: "R", LastTransitionTime: metav1.NewTime(at(0))}
	session.Status.Conditions = []metav1.Condition{foreign}
	session.Status, _ = Status(run(job("a", running(1)), job("b", running(1))), session, at(time.Minute))
	before := session.DeepCopy()

	halfway, _ := Status(run(job("a", succeeded(1)), job("b", running(1))), session, at(2*time.Minute))
	if diff := cmp.Diff(before, session); diff != "" {
		t.Fatalf("the stored Session was changed: %s", diff)
	}
	session.Status = halfway
	end, _ := Status(run(job("a", succeeded(1)), job("b", succeeded(1))), session, at(3*time.Minute))

	changes := func(status v1alpha1.SessionStatus) map[string]time.Duration {
		m := map[string]time.Duration{}
		for _, c := range status.Conditions {
			m[c.Type] = c.LastTransitionTime.Sub(start.Truncate(time.Second))
		}
		return m
	}
	if halfway.Conditions[1].Message == before.Status.Conditions[1].Message {
		t.Error("the message didn't follow")
	}
	want := map[string]time.Duration{"Reviewed": start.Sub(start.Truncate(time.Second)), "Ready": time.Minute, "Succeeded": time.Minute, "Failed": time.Minute}
	if diff := cmp.Diff(want, changes(halfway)); diff != "" {
		t.Error(diff)
	}
	want["Ready"], want["Succeeded"] = 3*time.Minute, 3*time.Minute
	if diff := cmp.Diff(want, changes(end)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(foreign, end.Conditions[0]); diff != "" {
		t.Errorf("a foreign condition was changed: %s", diff)
	}
}

func TestLongErrorIsShortenedConsistently(t *testing.T) {
	long := strings.Repeat("é", maxText)
	status, _ := Status(run(job("a", failed(1, long))), ci(0, 0), at(0))
	message, target := status.Conditions[2].Message, status.Targets[0].State.Terminated.Error
	if len(status.Error) > maxText || status.Error != message || status.Error != target {
		t.Errorf("error of %d bytes, message of %d, target's of %d", len(status.Error), len(message), len(target))
	}
}
