// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tilt.dev/session/pkg/model"
)

// TestCompose evaluates the cases in testdata/compose, which have the form of those of TestScripts.
func TestCompose(t *testing.T) {
	paths, err := filepath.Glob("testdata/compose/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { testArchive(t, path, evaluate) })
	}
}

// composes returns whether a project has Compose services.
func composes(p model.Project) bool {
	return slices.ContainsFunc(p.Resources, func(r model.Resource) bool {
		_, ok := r.Update.(*model.ComposeUp)
		return ok
	})
}

// dumpComposed describes a Compose service, without what is the default.
func dumpComposed(b *strings.Builder, r model.Resource) {
	up, ok := r.Update.(*model.ComposeUp)
	if !ok {
		return
	}
	fmt.Fprintf(b, "  compose: %s\n", strings.Join(append(up.Project.Arguments(), up.Service), " "))
	if up.Wait {
		fmt.Fprintf(b, "  waits\n")
	}
	if up.Builds {
		fmt.Fprintf(b, "  builds\n")
	}
	if up.Image != "" {
		fmt.Fprintf(b, "  image: %s\n", up.Image)
	}
	for _, l := range r.LiveUpdates {
		b.WriteString("  ")
		dumpLiveUpdate(b, &l)
	}
	if up.Config == "" {
		fmt.Fprintf(b, "  no digest\n")
	}
	service, ok := r.Runtime.(*model.ComposeService)
	if !ok {
		fmt.Fprintf(b, "  no containers\n")
		return
	}
	if service.Scale != 1 {
		fmt.Fprintf(b, "  scale: %d\n", service.Scale)
	}
	if service.OneOff {
		fmt.Fprintf(b, "  one-off\n")
	}
	if service.StopGrace != 0 {
		fmt.Fprintf(b, "  stops within %v\n", service.StopGrace)
	}
}

// TestDigest checks which changes of a project are changes of a service.
func TestDigest(t *testing.T) {
	const base = `
services:
  web: {build: ., environment: ["A=1"], networks: [n], volumes: ["data:/v"], secrets: [s], configs: [c]}
  db: {image: postgres}
networks: {n: {}, other: {}}
volumes: {data: {}}
secrets: {s: {environment: SECRET}}
configs: {c: {content: hello}}
`
	type edit struct{ file, old, text string }
	tests := map[string]struct {
		edit
		changes bool
	}{
		"nothing":                  {edit{}, false},
		"variable":                 {edit{"compose.yaml", "A=1", "A=2"}, true},
		"network":                  {edit{"compose.yaml", "n: {}", "n: {internal: true}"}, true},
		"network that isn't used":  {edit{"compose.yaml", "other: {}", "other: {internal: true}"}, false},
		"volume":                   {edit{"compose.yaml", "data: {}", "data: {labels: {a: b}}"}, true},
		"secret":                   {edit{".env", "SECRET=1", "SECRET=2"}, true},
		"config":                   {edit{"compose.yaml", "hello", "bye"}, true},
		"other service":            {edit{"compose.yaml", "postgres", "mysql"}, false},
		"dependency":               {edit{"compose.yaml", "{build: .,", "{build: ., depends_on: [db],"}, false},
		"profile":                  {edit{"compose.yaml", "{build: .,", "{build: ., profiles: [p],"}, false},
		"file watched by Compose":  {edit{"compose.yaml", "{build: .,", "{build: ., develop: {watch: [{path: ., action: rebuild}]},"}, false},
		"build":                    {edit{"compose.yaml", "{build: .,", "{build: {context: ., args: {A: b}},"}, true},
		"Dockerfile":               {edit{"Dockerfile", "scratch", "alpine"}, true},
		"Tiltfile takes the build": {edit{"Tiltfile", "'p')", "'p')\ndocker_build('demo-web', '.')"}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			digest := func(e edit) string {
				for name, text := range map[string]string{
					"Tiltfile":     "docker_compose('compose.yaml', project_name='demo', profiles='p')",
					"compose.yaml": base, "Dockerfile": "FROM scratch", ".env": "SECRET=1",
				} {
					if name == e.file && !strings.Contains(text, e.old) {
						t.Fatalf("%s has no %q", name, e.old)
					} else if name == e.file {
						text = strings.Replace(text, e.old, e.text, 1)
					}
					writeFile(t, filepath.Join(dir, name), []byte(text))
				}
				return digestOf(t, filepath.Join(dir, "Tiltfile"), "web")
			}
			if changed := digest(edit{}) != digest(test.edit); changed != test.changes {
				t.Errorf("changed: %t, want %t", changed, test.changes)
			}
		})
	}
}

// digestOf evaluates a Tiltfile and returns the digest of a service.
func digestOf(t *testing.T, path, service string) string {
	t.Helper()
	options := tiltfile(t, "")
	options.Path = path
	project, err := Load(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(project.Resources, func(r model.Resource) bool { return r.Name == service })
	return project.Resources[i].Update.(*model.ComposeUp).Config
}

// TestComposeKnowsMore checks that the user's Docker Compose decides on what the library doesn't know.
func TestComposeKnowsMore(t *testing.T) {
	const source = "docker_compose(blob('services: {web: {image: nginx, novelty: {a: b}}}'), project_name='demo')"
	const refused = "services.web Additional property novelty is not allowed"
	for name, test := range map[string]struct{ program, script, want string }{
		"accepted":   {"docker", "echo \"$@\" >\"$0.log\"", ""},
		"refused":    {"docker", "exit 1", refused},
		"no program": {"", "", refused},
		"own":        {"own-compose", "echo \"$@\" >\"$0.log\"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			program := filepath.Join(bin, test.program)
			options := tiltfile(t, source)
			options.PrivateDirectory = func() (string, error) { return filepath.Dir(options.Path), nil }
			options.Environ = []string{"PATH=" + bin}
			if test.program != "" {
				if err := os.WriteFile(program, []byte("#!/bin/sh\n"+test.script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if name == "own" {
				options.Environ = append(options.Environ, "TILT_DOCKER_COMPOSE_CMD="+program)
			} else {
				t.Setenv("PATH", bin)
			}
			project, err := Load(t.Context(), options)
			if test.want != "" {
				requireError(t, err, KindEvaluation, test.want)
				return
			}
			if err != nil || len(project.Resources) != 1 {
				t.Fatalf("%d resources, error %v", len(project.Resources), err)
			}
			calls, err := os.ReadFile(program + ".log")
			if err != nil || !strings.HasSuffix(string(calls), ".yml config --quiet\n") ||
				!strings.Contains(string(calls), "--project-name demo --project-directory ") {
				t.Errorf("called with %q, error %v", calls, err)
			}
		})
	}
}

// TestBlobWithoutDirectory checks that an evaluation that keeps no files refuses a blob.
func TestBlobWithoutDirectory(t *testing.T) {
	_, err := Load(t.Context(), tiltfile(t, "docker_compose(blob('services: {web: {image: nginx}}'))"))
	requireError(t, err, KindEvaluation, "write a blob: this evaluation can't keep files")
}

// FuzzCompose loads any file as a Compose project.
func FuzzCompose(f *testing.F) {
	for _, text := range []string{
		"services: {a: {image: b, ports: [\"1-3:1-3\", \"[::1]:5:6/udp\"], links: [\"c:d\"], depends_on: {c: {condition: service_healthy}}}, c: {image: c}}",
		"services: {a: {build: {context: ., additional_contexts: {x: .}}, volumes: [\".:/a\"], x-tilt: {one_off: false}, scale: 0}}",
		"services: &x {a: {image: \"${A:-b}\", extends: {service: c}}, c: *x}",
		"services: {a: {image: b, x-tilt: 3, deploy: {replicas: 2, restart_policy: {}}, healthcheck: {disable: true}}}",
		"include: [a.yaml]\nsecrets: {s: {environment: A}}\n---\nservices: !reset null",
		"name: x\nservices: {a: {image: b, env_file: [a], pre_stop: [{command: a}], develop: {watch: [{path: ., action: sync, target: /}]}}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		options := tiltfile(t, "docker_compose('compose.yaml', project_name='demo')\nlocal_resource('x', 'x')")
		writeFile(t, filepath.Join(filepath.Dir(options.Path), "compose.yaml"), []byte(text))
		options.Environ = []string{"A=b"}
		options.Runner = nil
		project, err := Load(t.Context(), options)
		var failure *Error
		if err != nil && (!errors.As(err, &failure) || failure.Text == "") {
			t.Fatalf("got error %#v, want an *Error with a text", err)
		}
		for _, r := range project.Resources {
			if up, ok := r.Update.(*model.ComposeUp); ok && (up.Config == "" || model.ValidateName(r.Name) != nil) {
				t.Fatalf("invalid resource %+v", r)
			}
		}
	})
}
