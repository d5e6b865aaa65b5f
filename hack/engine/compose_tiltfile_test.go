// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile"
)

// discarded is a writer that drops everything.
type discarded struct{ io.Writer }

func (discarded) Close() error { return nil }

// tiltfile evaluates a Tiltfile that has the Compose file of the app after some lines.
func (a *app) tiltfile(more ...string) model.Project {
	a.Helper()
	path := filepath.Join(a.dir, "Tiltfile")
	text := strings.Join(more, "\n") + "\ndocker_compose('compose.yaml', project_name='" + a.project.Name + "')\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		a.Fatal(err)
	}
	project, err := tiltfile.Load(a.Context(), tiltfile.Options{
		Path: path, WorkingDir: a.dir, Environ: a.env, Subcommand: "ci", Log: func(logs.Level, string) {},
		Output: func() io.WriteCloser { return discarded{io.Discard} }, Redact: func([]model.Secret) {},
	})
	if err != nil {
		a.Fatal(err)
	}
	return project
}

// TestComposeConditions: services wait for each other as their file says, and a secret of theirs is in no log.
func TestComposeConditions(t *testing.T) {
	const secret = "a-secret-that-nobody-may-see"
	chain := func(migrate string) string {
		return `  web:
    image: IMAGE
    command: [/app, serve, web]
    depends_on: {migrate: {condition: service_completed_successfully}}
  migrate:
    image: IMAGE
    command: [` + migrate + `]
    environment: {PASSWORD: ` + secret + `}
    depends_on: {db: {condition: service_healthy}}
  db:
` + served + "    environment: {PASSWORD: " + secret + "}\n"
	}
	t.Run("met", func(t *testing.T) {
		a := newApp(t, chain("/app, exit, '0'"))
		p := a.beginProject(compose.Options{CI: true}, a.tiltfile())
		p.until("everything", func() bool {
			s := show(p.engine.Snapshot())
			return strings.Contains(s, "web=succeeded/ready") && strings.Contains(s, "migrate=succeeded/succeeded")
		})
		if web, migrate := p.runtime("web").Since, p.runtime("migrate").Changed; web.Before(migrate.Add(-time.Second)) {
			t.Errorf("web has begun at %s, and migrate has ended at %s", web, migrate)
		}
		if strings.Contains(p.log(), secret) {
			t.Error("the secret is in the log")
		}
	})
	t.Run("unmet", func(t *testing.T) {
		a := newApp(t, chain("/app, exit, '3'"))
		p := a.beginProject(compose.Options{CI: true}, a.tiltfile())
		p.until("the failure", func() bool { return strings.Contains(show(p.engine.Snapshot()), "migrate=succeeded/failed") })
		if got := show(p.engine.Snapshot()); !strings.Contains(got, "web=waiting/waiting") {
			t.Errorf("state %s", got)
		}
	})
}
