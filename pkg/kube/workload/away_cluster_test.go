//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// outage lets connections through, or not.
type outage struct {
	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

func (o *outage) dial(ctx context.Context, network, address string) (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		o.conns = append(o.conns, conn)
	}
	return conn, err
}

func (o *outage) set(away bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = away
	for _, conn := range o.conns {
		conn.Close()
	}
	o.conns = nil
}

func TestClusterServerAway(t *testing.T) {
	var o outage
	f := newFixture(t, func(config *rest.Config) { config.Dial = o.dial })
	r := f.start(model.Workload{}, f.apply(strings.Replace(deployment(1, "", "count=2500", "serve=:8080"),
		"httpGet: {path: /, port: 8080}", "exec: {command: [/image]}", 1)))
	r.awaitPhase(engine.Ready)
	time.Sleep(time.Second) // Some lines come before the outage.
	o.set(true)
	r.await("the outage", func(report engine.Report) bool {
		return report.Phase == engine.Ready && strings.Contains(report.Detail, "last known state")
	})
	time.Sleep(20 * time.Second)
	began := time.Now()
	o.set(false)
	r.await("the end of the outage", func(report engine.Report) bool {
		return report.Phase == engine.Ready && report.Detail == ""
	})
	t.Logf("recovered after %s", time.Since(began))
	f.eventually("the last line", func() bool { return strings.Contains(f.log(), " 2499\n") })
	next := 0
	for line := range strings.Lines(f.log()) {
		var host string
		var pid, n int
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &host, &pid, &n); err != nil || !strings.HasPrefix(host, "web-") {
			continue
		}
		if n != next {
			t.Fatalf("line %d comes instead of %d", n, next)
		}
		next++
	}
	if next != 2500 {
		t.Errorf("%d lines", next)
	}
}

func TestClusterServerAwayAtFirst(t *testing.T) {
	var o outage
	f := newFixture(t, func(config *rest.Config) { config.Dial = o.dial })
	o.set(true)
	r := f.start(model.Workload{}, f.apply(deployment(1, "", "serve=:8080")))
	r.await("the outage", func(report engine.Report) bool {
		return report.Phase == engine.Pending && report.Reason == "waiting-for-cluster" &&
			strings.Contains(report.Detail, "doesn't answer")
	})
	o.set(false)
	r.awaitPhase(engine.Ready)
}

func TestClusterQuota(t *testing.T) {
	f := newFixture(t, nil)
	f.apply(`{apiVersion: v1, kind: ResourceQuota, metadata: {name: none}, spec: {hard: {pods: "0"}}}`)
	r := f.start(model.Workload{}, f.apply(deployment(1, "", "serve=:8080")))
	r.await("the quota", func(report engine.Report) bool {
		return report.Phase == engine.Pending && report.Reason == "waiting-for-pod" &&
			strings.Contains(report.Detail, "exceeded quota")
	})
	f.eventually("its event", func() bool { return strings.Contains(f.log(), "[event: replicaset "+f.namespace+"/web-") })
}

func TestClusterFewRights(t *testing.T) {
	name := ""
	f := newFixture(t, func(config *rest.Config) { config.Impersonate.UserName = "system:serviceaccount:" + name + ":default" })
	name = f.namespace
	f.apply(`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: few}, rules: [
  {apiGroups: [""], resources: [pods, pods/log], verbs: [get, list, watch]}]}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: few}, subjects: [{kind: ServiceAccount, name: default}],
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: few}}`)
	r := f.start(model.Workload{}, f.apply(deployment(1, "", "print=here", "serve=:8080")))
	r.awaitPhase(engine.Ready)
	f.eventually("its log", func() bool { return strings.Contains(f.log(), "here\n") })
	for _, what := range []string{"can't watch events", "can't watch deployments", "can't tell the owners"} {
		if got := strings.Count(f.log(), what); got != 1 {
			t.Errorf("%q is told %d times", what, got)
		}
	}
}
