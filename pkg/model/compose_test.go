// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "testing"

func TestComposeNeedsUpdate(t *testing.T) {
	full := func() Resource {
		project := &ComposeProject{Name: "demo", Directory: "/d", Files: []string{"/d/compose.yaml"}}
		return Resource{
			Name:    "web",
			Update:  &ComposeUp{Resource: "web", Service: "web", Project: project, Config: "abc"},
			Runtime: &ComposeService{Resource: "web", Service: "web", Project: project, Scale: 1},
		}
	}
	up := func(r *Resource) *ComposeUp { return r.Update.(*ComposeUp) }
	service := func(r *Resource) *ComposeService { return r.Runtime.(*ComposeService) }
	tests := []struct {
		name   string
		change func(*Resource)
		want   bool
	}{
		{"nothing", func(*Resource) {}, false},
		{"the definition", func(r *Resource) { up(r).Config = "def" }, true},
		{"the image", func(r *Resource) { up(r).Image = "demo-web" }, true},
		{"who builds", func(r *Resource) { up(r).Builds = true }, true},
		{"the project", func(r *Resource) { up(r).Project.Name = "other" }, true},
		{"the directory", func(r *Resource) { up(r).Project.Directory = "/e" }, true},
		{"another file", func(r *Resource) {
			up(r).Project.Files = append(up(r).Project.Files, "/d/other.yaml")
		}, false},
		{"profiles, .env and wait", func(r *Resource) {
			p := up(r).Project
			p.Profiles, p.EnvFile, up(r).Wait = []string{"debug"}, "/d/env", true
		}, false},
		{"what is expected of the runtime", func(r *Resource) {
			service(r).OneOff, service(r).Scale, service(r).StopGrace = true, 2, 1
		}, false},
		{"conditions", func(r *Resource) { r.ResourceDeps, r.StartedDeps = []string{"db"}, []string{"db"} }, false},
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
}
