// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"testing"
	"time"
)

func TestNeedsUpdate(t *testing.T) {
	full := func() Resource {
		return Resource{
			Name:   "a",
			Update: &Command{Argv: []string{"make"}, Dir: "/d", Env: []string{"A=1"}},
			Runtime: &Server{
				Command:   Command{Argv: []string{"serve"}, Dir: "/d", Env: []string{"A=1"}},
				Readiness: &Probe{Period: time.Second, TCPSocket: &TCPSocketAction{Port: 80}},
			},
			Deps:    []string{"/d/x"},
			Ignores: []IgnoreSet{{Base: "/d", Patterns: []string{"*.o"}, Source: "Tiltfile:1"}},
		}
	}
	tests := []struct {
		name   string
		change func(*Resource)
		want   bool
	}{
		{"nothing", func(*Resource) {}, false},
		{"cmd", func(r *Resource) { r.Update.(*Command).Argv = []string{"make", "all"} }, true},
		{"dir", func(r *Resource) { r.Update.(*Command).Dir = "/e" }, true},
		{"env", func(r *Resource) { r.Update.(*Command).Env = nil }, true},
		{"no cmd", func(r *Resource) { r.Update = nil }, true},
		{"serve_cmd", func(r *Resource) { r.Runtime.(*Server).Command.Argv = []string{"other"} }, true},
		{"serve_dir", func(r *Resource) { r.Runtime.(*Server).Command.Dir = "/e" }, true},
		{"serve_env", func(r *Resource) { r.Runtime.(*Server).Command.Env = []string{"A=2"} }, true},
		{"no serve_cmd", func(r *Resource) { r.Runtime = nil }, true},
		{"readiness_probe", func(r *Resource) { r.Runtime.(*Server).Readiness.TCPSocket.Port = 81 }, true},
		{"no readiness_probe", func(r *Resource) { r.Runtime.(*Server).Readiness = nil }, true},
		{"allow_parallel", func(r *Resource) { r.AllowParallel = true }, true},
		{"ignore", func(r *Resource) { r.Ignores[0].Patterns = nil }, true},
		{"where ignore is written", func(r *Resource) { r.Ignores[0].Source = "Tiltfile:2" }, false},
		{"first links", func(r *Resource) { r.Links = []Link{{URL: "http://x"}} }, true},
		{"labels", func(r *Resource) { r.Labels = []string{"x"} }, false},
		{"deps", func(r *Resource) { r.Deps = nil }, false},
		{"resource_deps", func(r *Resource) { r.ResourceDeps = []string{"b"} }, false},
		{"trigger_mode", func(r *Resource) { r.TriggerMode = TriggerManual }, false},
		{"auto_init", func(r *Resource) { r.AutoInit = true }, false},
		{"timeout, retries and restarts", func(r *Resource) {
			r.Timeout, r.Retries, r.ReadinessTimeout, r.Restart = 1, 1, 1, RestartOnFailure
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, after := full(), full()
			test.change(&after)
			if got := NeedsUpdate(&before, &after); got != test.want {
				t.Errorf("needs an update: %t, want %t", got, test.want)
			}
		})
	}
	linked, unlinked := full(), full()
	linked.Links = []Link{{URL: "http://x"}}
	if NeedsUpdate(&linked, &unlinked) {
		t.Error("links that are gone are no reason")
	}
}
