// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

func TestReport(t *testing.T) {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	container := func(status string, changes ...func(*dockerapi.Container)) *dockerapi.Container {
		c := &dockerapi.Container{Name: "p-s-1", State: dockerapi.State{Status: status, StartedAt: started}}
		for _, change := range changes {
			change(c)
		}
		return c
	}
	health := func(status string, log ...dockerapi.Probe) func(*dockerapi.Container) {
		return func(c *dockerapi.Container) { c.State.Health = &dockerapi.Health{Status: status, Log: log} }
	}
	code := func(n int) func(*dockerapi.Container) { return func(c *dockerapi.Container) { c.State.ExitCode = n } }
	policy := func(name string, restarts int) func(*dockerapi.Container) {
		return func(c *dockerapi.Container) { c.HostConfig.RestartPolicy.Name, c.RestartCount = name, restarts }
	}
	failure := func(text string) func(*dockerapi.Container) {
		return func(c *dockerapi.Container) { c.State.Error = text }
	}
	oom := func(c *dockerapi.Container) { c.State.OOMKilled = true }
	unstarted := func(c *dockerapi.Container) { c.State.StartedAt = time.Time{} }
	bad := dockerapi.Probe{ExitCode: 1, Output: "connection\nrefused\n"}
	list := func(c ...*dockerapi.Container) []*dockerapi.Container { return c }
	running := container(dockerapi.StatusRunning)
	ready := engine.Report{Phase: engine.Ready, Start: started, Unproven: started.Add(proof)}
	exited := func(phase engine.Phase, err string, code int, signal string) engine.Report {
		return engine.Report{Phase: phase, Start: started, Error: err, Exited: true, Code: code, Signal: signal}
	}
	const one = "container p-s-1: "
	for name, test := range map[string]struct {
		containers []*dockerapi.Container
		oneOff     bool
		scale      int
		ci, waits  bool
		want       engine.Report
	}{
		"none": {nil, false, 1, false, true, engine.Report{
			Phase: engine.Pending, Reason: "removed", Detail: "removed outside; trigger the resource to create it again"}},
		"none, ci": {nil, false, 1, true, false, engine.Report{
			Phase: engine.Failed, Error: "the container was removed outside"}},
		"no scale": {nil, false, 0, true, false, engine.Report{Phase: engine.Absent}},
		"created": {list(container("created", unstarted)), false, 1, true, false, engine.Report{
			Phase: engine.Pending, Reason: "create"}},
		"unstarted": {list(container("created", unstarted, code(128), failure("port is already allocated"))), false, 1, true, false, engine.Report{
			Phase: engine.Failed, Error: one + "exit 128 (port is already allocated)", Exited: true, Code: 128}},
		"running":    {list(running), false, 1, true, false, ready},
		"one-off":    {list(running), true, 1, true, false, engine.Report{Phase: engine.Starting, Start: started}},
		"none check": {list(container("running", health("none"))), false, 1, true, false, ready},
		"starting": {list(container("running", health("starting"))), false, 1, true, false, engine.Report{
			Phase: engine.Starting, Start: started, Detail: "starting"}},
		"failing": {list(container("running", health("starting", dockerapi.Probe{}, bad))), false, 1, true, false,
			engine.Report{
				Phase: engine.Starting, Start: started, Detail: "starting, probe exit 1: connection refused"}},
		"healthy": {list(container("running", health("healthy", dockerapi.Probe{}))), false, 1, true, false, engine.Report{
			Phase: engine.Ready, Start: started}},
		"unhealthy, up": {list(container("running", health("unhealthy", bad))), false, 1, false, true, engine.Report{
			Phase: engine.Starting, Start: started, Detail: "unhealthy, probe exit 1: connection refused"}},
		"unhealthy, ci": {list(container("running", health("unhealthy", bad))), false, 1, true, false, engine.Report{
			Phase: engine.Failed, Start: started, Error: one + "unhealthy, probe exit 1: connection refused"}},
		"paused": {list(container("paused")), false, 1, true, false, engine.Report{
			Phase: engine.Starting, Start: started, Detail: "paused"}},
		"restarting": {list(container("restarting", code(1), policy("always", 4))), false, 1, true, false,
			engine.Report{
				Phase: engine.Starting, Start: started, Restarts: 4, Detail: "restarting after exit 1"}},
		"removing": {list(container("removing")), false, 1, true, false, engine.Report{
			Phase: engine.Pending, Reason: "removing", Start: started}},
		"done": {list(container("exited")), false, 1, true, false,
			exited(engine.Succeeded, "", 0, "")},
		"done, one-off": {list(container("exited", policy("always", 0))), true, 1, true, false,
			exited(engine.Succeeded, "", 0, "")},
		"done, on-failure": {list(container("exited", policy("on-failure", 0))), false, 1, true, false,
			exited(engine.Succeeded, "", 0, "")},
		"done, always": {list(container("exited", policy("always", 0))), false, 1, false, true,
			exited(engine.Failed, one+"exit 0, although its restart policy is always", 0, "")},
		"failed": {list(container("exited", code(3))), false, 1, false, true,
			exited(engine.Failed, one+"exit 3", 3, "")},
		"failed, one-off": {list(container("exited", code(3))), true, 1, true, false,
			exited(engine.Failed, one+"exit 3", 3, "")},
		"killed": {list(container("exited", code(137))), false, 1, false, true,
			exited(engine.Failed, one+"exit 137 (killed)", 137, "killed")},
		"out of memory": {list(container("exited", code(137), oom)), false, 1, false, true,
			exited(engine.Failed, one+"exit 137 (killed: out of memory)", 137, "killed")},
		"child out of memory": {list(container("exited", oom)), false, 1, false, true,
			exited(engine.Failed, one+"exit 0 (out of memory)", 0, "")},
		"no signal": {list(container("exited", code(255))), false, 1, false, true,
			exited(engine.Failed, one+"exit 255", 255, "")},
		"dead": {list(container("dead")), false, 1, false, true,
			exited(engine.Failed, one+"exit 0 (dead)", 0, "")},
		"two": {list(running, running), false, 2, true, false, engine.Report{
			Phase: engine.Ready, Start: started, Unproven: started.Add(proof), Detail: "2/2 ready"}},
		"one of two": {list(running), false, 2, true, false, engine.Report{
			Phase: engine.Starting, Start: started, Detail: "1/2 ready"}},
		"one of two starts": {list(running, container("running", health("starting"))), false, 2, true, false,
			engine.Report{
				Phase: engine.Starting, Start: started, Detail: "1/2 ready, starting"}},
		"one of two failed": {list(running, container("exited", code(3))), false, 2, true, false, engine.Report{
			Phase: engine.Failed, Start: started, Error: one + "exit 3", Exited: true, Code: 3, Detail: "1/2 ready"}},
		"one of two done": {list(running, container("exited")), true, 2, true, false, engine.Report{
			Phase: engine.Starting, Start: started, Detail: "1/2 ready or succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := situation{
				service:    &model.ComposeService{Service: "s", OneOff: test.oneOff, Scale: test.scale},
				containers: test.containers, ci: test.ci, waits: test.waits,
			}
			if test.containers != nil && test.containers[0].RestartCount > 0 && test.want.Phase == engine.Failed {
				test.want.Restarts = test.containers[0].RestartCount
			}
			if diff := cmp.Diff(test.want, s.report()); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("gives up", func(t *testing.T) {
		s := situation{service: &model.ComposeService{Scale: 1}, containers: list(container("exited", code(1), policy("on-failure", 2)))}
		if got := s.report(); got.Error != one+"exit 1 after 2 restarts" || got.Restarts != 2 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("skew", func(t *testing.T) {
		s := situation{service: &model.ComposeService{Scale: 1}, containers: list(running), skew: time.Hour}
		if got := s.report(); !got.Start.Equal(started.Add(-time.Hour)) {
			t.Errorf("%+v", got)
		}
	})
}

func TestOneLine(t *testing.T) {
	long := oneLine(string(make([]rune, 600)) + "ä")
	if len(long) > longestDetail+len("…") {
		t.Errorf("%d bytes", len(long))
	}
	if got := oneLine(" a\n\tb "); got != "a b" {
		t.Errorf("%q", got)
	}
}

func TestVersion(t *testing.T) {
	for version, ok := range map[string]bool{
		"2.26.1": true, "v2.2.0": true, "2.10": true, "3.0.0": true, "5.0.1-desktop.1": true, "dev": true,
		"1.29.2": false, "2.1.1": false, "2.0.0-rc.1": false,
	} {
		if err := (tool{argv: []string{"docker-compose"}, version: version}).check(); (err == nil) != ok {
			t.Errorf("%s: %v", version, err)
		}
	}
}

func TestCommand(t *testing.T) {
	p := &model.ComposeProject{
		Name: "demo", Directory: "/d", Files: []string{"/d/a.yaml", "/d/b.yaml"}, EnvFile: "/d/env", Profiles: []string{"x", "y"},
	}
	argv := tool{argv: []string{"docker", "compose"}}.command(p, []string{"-"}, "up", "-d", "web")
	want := "docker compose --project-name demo --project-directory d --env-file env -f a.yaml -f b.yaml -f - " +
		"--profile x --profile y up -d web"
	if got := shown(argv); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
