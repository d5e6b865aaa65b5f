// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"tilt.dev/session/pkg/model"
)

func TestRebuilds(t *testing.T) {
	full := func() model.Resource {
		return model.Resource{
			Name:      "a",
			Update:    &model.Command{Argv: []string{"make"}, Dir: "/d", Env: []string{"A=1"}},
			Serve:     &model.Command{Argv: []string{"serve"}, Dir: "/d", Env: []string{"A=1"}},
			Readiness: &model.Probe{Period: time.Second, TCPSocket: &model.TCPSocketAction{Port: 80}},
			Deps:      []string{"/d/x"},
			Ignores:   []model.IgnoreSet{{Base: "/d", Patterns: []string{"*.o"}, Source: "Tiltfile:1"}},
		}
	}
	tests := []struct {
		name   string
		change option
		want   bool
	}{
		{"nothing", func(*model.Resource) {}, false},
		{"cmd", func(r *model.Resource) { r.Update.Argv = []string{"make", "all"} }, true},
		{"dir", func(r *model.Resource) { r.Update.Dir = "/e" }, true},
		{"env", func(r *model.Resource) { r.Update.Env = nil }, true},
		{"no cmd", func(r *model.Resource) { r.Update = nil }, true},
		{"serve_cmd", func(r *model.Resource) { r.Serve.Argv = []string{"other"} }, true},
		{"serve_dir", func(r *model.Resource) { r.Serve.Dir = "/e" }, true},
		{"serve_env", func(r *model.Resource) { r.Serve.Env = []string{"A=2"} }, true},
		{"no serve_cmd", func(r *model.Resource) { r.Serve = nil }, true},
		{"readiness_probe", func(r *model.Resource) { r.Readiness.TCPSocket.Port = 81 }, true},
		{"no readiness_probe", func(r *model.Resource) { r.Readiness = nil }, true},
		{"allow_parallel", func(r *model.Resource) { r.AllowParallel = true }, true},
		{"ignore", func(r *model.Resource) { r.Ignores[0].Patterns = nil }, true},
		{"where ignore is written", func(r *model.Resource) { r.Ignores[0].Source = "Tiltfile:2" }, false},
		{"first links", func(r *model.Resource) { r.Links = []model.Link{{URL: "http://x"}} }, true},
		{"labels", func(r *model.Resource) { r.Labels = []string{"x"} }, false},
		{"deps", func(r *model.Resource) { r.Deps = nil }, false},
		{"resource_deps", func(r *model.Resource) { r.ResourceDeps = []string{"b"} }, false},
		{"trigger_mode", func(r *model.Resource) { r.TriggerMode = model.TriggerManual }, false},
		{"auto_init", func(r *model.Resource) { r.AutoInit = true }, false},
		{"timeout, retries and restarts", func(r *model.Resource) {
			r.Timeout, r.Retries, r.ReadinessTimeout, r.Restart = 1, 1, 1, model.RestartOnFailure
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, after := full(), full()
			test.change(&after)
			if got := rebuilds(&before, &after); got != test.want {
				t.Errorf("rebuilds: %t, want %t", got, test.want)
			}
		})
	}
	linked, unlinked := full(), full()
	linked.Links = []model.Link{{URL: "http://x"}}
	if rebuilds(&linked, &unlinked) {
		t.Error("links that are gone are no reason")
	}
}
