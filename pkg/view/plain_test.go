// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package view

import (
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// TestChange is what a line says of a target that has changed.
func TestChange(t *testing.T) {
	three := int32(3)
	exit, killed := ended4("no"), ended4("no")
	exit.Terminated.ExitCode, killed.Terminated.Signal = &three, "killed"
	at1 := v1alpha1.TargetState{Active: &v1alpha1.TargetStateActive{StartTime: at(1), Ready: true, LastReadyTime: at(1)}}
	for _, test := range []struct {
		target          v1alpha1.Target
		unicode, simple string
	}{
		{target("a:update", ended4("")), "✓ succeeded in 4s", "ok succeeded in 4s"},
		{target("a:update", exit), "✗ failed: exit 3 after 4s", "XX failed: exit 3 after 4s"},
		{target("a:serve", killed), "✗ failed: killed after 4s", "XX failed: killed after 4s"},
		{target("a:update", ended4("not found\nmore")), "✗ failed: not found after 4s", "XX failed: not found after 4s"},
		{target("a:serve", ready()), "● ready after 1.5s", "up ready after 1.5s"},
		{target("a:serve", at1), "", ""},
		{target("a:update", active()), "", ""},
		{target("a:update", waiting("starting")), "", ""},
		{target("tiltfile:update", ended4("")), "", ""},
	} {
		if got := (Style{}).Change(&test.target); got != test.unicode {
			t.Errorf("%s: %q, want %q", test.target.Name, got, test.unicode)
		}
		if got := (Style{ASCII: true}).Change(&test.target); got != test.simple {
			t.Errorf("%s: %q, want %q", test.target.Name, got, test.simple)
		}
	}
}

// Each state of a target is reported once, and only resources that have changed are looked at.
func TestChanges(t *testing.T) {
	running := &engine.UpdateState{Running: noon}
	done := &engine.UpdateState{Last: &engine.Exit{Start: noon, Finish: noon}, History: &engine.History{
		Ended: []*engine.Build{{EndLine: 7}},
	}}
	var changes Changes
	for i, step := range []struct {
		update *engine.UpdateState
		want   string
	}{
		{running, "tiltfile:update 0 a:update 0 "}, {running, ""}, {done, "a:update 7 "}, {done, ""}, {running, "a:update 0 "},
	} {
		got := ""
		for _, c := range changes.Of(&engine.Snapshot{Resources: []engine.ResourceState{{Name: "a", Update: step.update}}}) {
			got += c.Name + " " + string(rune('0'+c.EndLine)) + " "
		}
		if got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}

func TestSilence(t *testing.T) {
	var s Silence
	s.Break(noon)
	now := noon
	for _, minutes := range []int{1, 2, 5, 10, 10} {
		if got := s.Due().Sub(now); got != time.Duration(minutes)*time.Minute {
			t.Errorf("the next line is due after %v, want %d minutes", got, minutes)
		}
		now = s.Due()
		s.Tell(now)
	}
	s.Break(now)
	if got := s.Due().Sub(now); got != time.Minute {
		t.Errorf("after output the next line is due after %v", got)
	}
}

func TestStillWaiting(t *testing.T) {
	now := noon.Add(time.Minute)
	status := &v1alpha1.SessionStatus{Targets: []v1alpha1.Target{
		target("again:serve", waiting("restarting")),
		target("load:update", waiting("waiting-for-dep", "smoke:update")),
		target("manual:update", waiting("pending-trigger")),
		target("orders:serve", active()),
		target("other:serve", ready()),
		target("smoke:update", waiting("waiting-for-dep", "orders:serve")),
	}}
	for want, style := range map[string]Style{
		"still waiting: load ← smoke ← orders (not ready 59s), again (for its restart 57s)":   {},
		"still waiting: load <- smoke <- orders (not ready 59s), again (for its restart 57s)": {ASCII: true},
	} {
		if got := style.StillWaiting(status, now); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	status.Targets = []v1alpha1.Target{target("a:serve", ready()), target("b:update", waiting("pending-trigger")),
		target("c:update", ended4("no")), target("d:update", waiting("waiting-for-dep", "c:update"))}
	if got := (Style{}).StillWaiting(status, now); got != "" {
		t.Errorf("what waits for a person: %q", got)
	}
}
