// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build cluster

package cluster

import (
	"regexp"
	"strconv"
	"testing"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// These stories disturb the whole cluster, so they don't run in parallel.

func ready(s v1alpha1.Session) bool {
	active := target(s, "web:runtime").State.Active
	return active != nil && active.Ready
}

func TestNodeNotReady(t *testing.T) {
	p := newProject(t, tiltfile+workload("exec sleep 1000"))
	up := p.up()
	up.awaitReady("web:runtime")

	p.part("kill", "kubelet")
	t.Cleanup(func() { p.kubectl("wait", "node/node1", "--for=condition=Ready", "--timeout=2m") })
	restart := p.restarting("kubelet")
	up.await("the workload isn't ready", func(s v1alpha1.Session) bool { return !ready(s) })
	restart()
	up.await("the workload is ready again", ready)
}

// While the API server is away for 20 seconds, a run keeps what it knows. Afterwards it goes on, and no line of the
// workload's log is lost or doubled.
func TestAPIServerAway(t *testing.T) {
	p := newProject(t, tiltfile+workload("i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.5; done"))
	up := p.up()
	up.awaitReady("web:runtime")
	up.awaitOutput("tick 3")

	p.part("kill", "kube-apiserver")
	restart := p.restarting("kube-apiserver")
	p.replace("web.yaml", "metadata: {name: web}", "metadata: {name: web, labels: {edited: 'yes'}}")
	away := time.After(20 * time.Second)
	for waiting := true; waiting; {
		select {
		case <-up.changed:
			if !ready(up.session()) {
				t.Fatalf("the API server is away, and the workload is no longer ready:\n%s", up.targets())
			}
		case <-away:
			waiting = false
		}
	}
	restart()
	p.eventually("the edit is deployed", func() bool {
		labels, err := p.try("kubectl", "get", "deployment/web", "--output=jsonpath={.metadata.labels.edited}")
		return err == nil && labels == "yes"
	})
	up.awaitReady("web:update", "web:runtime")

	up.awaitOutput("tick 100")
	last := -1
	for _, match := range regexp.MustCompile(`tick (\d+)`).FindAllStringSubmatch(up.output.String(), -1) {
		tick, err := strconv.Atoi(match[1])
		p.ok(err)
		if tick != last+1 {
			t.Errorf("tick %d follows tick %d", tick, last)
		}
		last = tick
	}
}

// What changes while the API server is away gets into the containers when it answers again.
func TestLiveUpdateWhileAPIServerIsAway(t *testing.T) {
	l := newLive(t, "sync('src/app', '/app')", forever).upLive()
	p := l.project
	p.part("kill", "kube-apiserver")
	restart := p.restarting("kube-apiserver")
	l.edit("-- src/app/page --\nsecond\n")
	l.awaitActive("web:update")
	l.awaitOutput("trying again")
	restart()
	p.eventually("the container has the edit", func() bool {
		got, err := p.inside(l.pods[0], "cat /app/page")
		return err == nil && got == "second\n"
	})
	l.wantLive()
}
