// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build engine

package engine

import (
	"strings"
	"testing"

	"tilt.dev/session/pkg/compose"
)

// served is a service with a healthcheck that's done often.
const served = `    image: IMAGE
    command: [/app, serve]
    stop_signal: SIGTERM
    healthcheck: {test: [CMD, /app, health], interval: 200ms, start_interval: 200ms, start_period: 20s, retries: 3}
`

// TestComposeGreen: health is readiness, dependencies count, one-offs are jobs, and ci leaves nothing.
func TestComposeGreen(t *testing.T) {
	a := newApp(t, "  db:\n"+served+"  migrate:\n    image: IMAGE\n    command: [/app, exit, '0']\n  web:\n"+served)
	p := a.begin(compose.Options{CI: true}, a.service("db"), a.service("migrate", oneOff, after("db")),
		a.service("web", after("migrate", "db")))
	p.wait("db=succeeded/ready migrate=succeeded/succeeded web=succeeded/ready")
	if migrate := p.runtime("migrate"); !migrate.Exited || migrate.Code != 0 {
		t.Errorf("the job ended as %+v", migrate)
	}
	p.logged("db | serving []", "migrate | exiting with 0", "web | serving []")
	if got := strings.Fields(a.networks()); len(got) != 1 {
		t.Errorf("networks %q", got)
	}
	p.end()
	if left := a.containers() + a.networks(); left != "" {
		t.Errorf("left: %s", left)
	}
}

// TestComposeUnhealthy: an unhealthy service is never ready, and ends ci at once with what its probe says.
func TestComposeUnhealthy(t *testing.T) {
	const sick = `    image: IMAGE
    command: [/app, wait]
    stop_signal: SIGKILL
    healthcheck: {test: [CMD, /app, health], interval: 100ms, timeout: 5s, retries: 2}
`
	a := newApp(t, "  web:\n"+sick)
	p := a.begin(compose.Options{CI: true}, a.service("web"))
	p.wait("web=succeeded/failed")
	if got := p.runtime("web").Error; !strings.Contains(got, "unhealthy, probe exit 1: not healthy:") {
		t.Errorf("the error is %q", got)
	}
	p.end()
	if left := a.containers(); left != "" {
		t.Errorf("left: %s", left)
	}
	up := a.begin(compose.Options{}, a.service("web"))
	up.until("the last probe", func() bool { return strings.Contains(up.detail("web"), "unhealthy, probe exit 1") })
	up.wait("web=succeeded/active")
	up.logged("Container " + a.project.Name + "-web-1 is unhealthy: probe exit 1: not healthy:")
}

// TestComposeExits: what ends by itself is reported with its code, signal and cause, after its log.
func TestComposeExits(t *testing.T) {
	a := newApp(t, `  failed:
    image: IMAGE
    command: [/app, exit, '3']
  done:
    image: IMAGE
    command: [/app, exit, '0']
  killed:
    image: IMAGE
    command: [/app, exit, '143']
  loop:
    image: IMAGE
    command: [/app, exit, '5']
    restart: on-failure:2
  recovers:
    image: IMAGE
    command: [/app, once]
    restart: on-failure
`)
	p := a.begin(compose.Options{CI: true}, a.service("failed", oneOff), a.service("done"), a.service("killed"),
		a.service("loop"), a.service("recovers", oneOff))
	p.wait("failed=succeeded/failed done=succeeded/succeeded killed=succeeded/failed loop=succeeded/failed " +
		"recovers=succeeded/succeeded")
	p.logged("failed | exiting with 3", "loop | exiting with 5")
	for name, want := range map[string]string{
		"failed": "failed-1: exit 3",
		"killed": "killed-1: exit 143 (terminated)",
		"loop":   "loop-1: exit 5 after 2 restarts",
	} {
		if got := p.runtime(name); !strings.HasSuffix(got.Error, want) || !got.Exited || got.Code == 0 {
			t.Errorf("%s: %+v, want %q", name, got, want)
		}
	}
}

// TestComposeOutOfMemory: a container that takes too much memory says so.
func TestComposeOutOfMemory(t *testing.T) {
	a := newApp(t, "  big:\n    image: IMAGE\n    command: [/app, oom]\n    mem_limit: 20m\n    memswap_limit: 20m\n")
	p := a.begin(compose.Options{CI: true}, a.service("big"))
	p.wait("big=succeeded/failed")
	if got := p.runtime("big"); !strings.Contains(got.Error, "exit 137 (killed: out of memory)") || got.Signal != "killed" {
		t.Errorf("%+v", got)
	}
}

// TestComposeScale: a service is ready when all of its containers are.
func TestComposeScale(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"    scale: 3\n")
	p := a.begin(compose.Options{CI: true}, a.service("web", scale(3)))
	p.wait("web=succeeded/ready")
	if got := p.detail("web"); got != "3/3 ready" {
		t.Errorf("detail %q", got)
	}
	p.logged("web | [web-1] serving", "web | [web-2] serving", "web | [web-3] serving")
	a.docker("pause", a.project.Name+"-web-2")
	p.wait("web=succeeded/active")
	if got := p.detail("web"); got != "2/3 ready, paused" {
		t.Errorf("detail %q", got)
	}
	a.docker("unpause", a.project.Name+"-web-2")
	p.wait("web=succeeded/ready")
	a.docker("rm", "-f", a.project.Name+"-web-1", a.project.Name+"-web-2", a.project.Name+"-web-3")
	p.wait("web=succeeded/failed")
	if got := p.runtime("web").Error; !strings.Contains(got, "removed outside") {
		t.Errorf("the error is %q", got)
	}
}

// TestComposePorts: ports that the engine chooses are told, and one that is in use fails with the engine's reason.
func TestComposePorts(t *testing.T) {
	a := newApp(t, "  web:\n"+served+"    ports: [127.0.0.1::8080]\n")
	p := a.begin(compose.Options{}, a.service("web"))
	p.wait("web=succeeded/ready")
	_, port, _ := strings.Cut(a.compose("port", "web", "8080"), ":")
	p.logged("web | Listening at http://127.0.0.1:" + port + "/")
	t.Run("taken", func(t *testing.T) {
		b := newApp(t, "  web:\n"+served+"    ports: ['127.0.0.1:"+port+":8080']\n")
		q := b.begin(compose.Options{CI: true}, b.service("web"))
		q.wait("web=failed/waiting")
		if got := q.updateError("web"); !strings.Contains(got, "port is already allocated") {
			t.Errorf("the error is %q", got)
		}
		q.end()
		if left := b.containers() + b.networks(); left != "" {
			t.Errorf("left: %s", left)
		}
	})
}

// TestComposeErrors: what Compose refuses is the error of the update.
func TestComposeErrors(t *testing.T) {
	a := newApp(t, "  web:\n    image: tilt-session-test/does-not-exist\n    pull_policy: never\n")
	p := a.begin(compose.Options{CI: true}, a.service("web"), a.service("other"))
	p.wait("web=failed/waiting other=failed/waiting")
	for name, want := range map[string]string{"web": "No such image", "other": "no such service: other"} {
		if got := p.updateError(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
