// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/load"
)

// outage is how long etcd is gone.
const outage = 10 * time.Second

// While etcd is gone requests fail soon and say why, and the replicas say that
// they're alive and not ready. After it nobody has to do anything, and no change is
// missed.
func TestOutage(t *testing.T) {
	testOutage(t, newCluster(t, 2, etcd.Start(t, etcd.Config{})))
}

func testOutage(t *testing.T, c *cluster) {
	sessions := c.sessions(c.front.User("ed", "editors"))
	watchers := []*load.Watcher{load.StartWatcher(t, sessions, "outage"), load.StartWatcher(t, sessions, "outage")}
	writers := load.StartWriters(t, sessions, "outage", 4)
	writers.GoOn(50)
	began := time.Now()
	c.store.Stop()
	back := time.After(outage)

	for _, r := range c.replicas {
		c.eventually("a replica says that etcd is gone", func(context.Context) bool {
			err := r.Ready()
			return err != nil && strings.Contains(err.Error(), "[-]etcd failed")
		})
		if err := r.Alive(); err != nil {
			t.Errorf("a replica isn't alive: %v", err)
		}
	}
	checkRefusals(t, c)
	<-back
	c.store.Start()
	c.awaitReady(len(c.replicas))
	ended := time.Now()
	writers.GoOn(100)
	t.Logf("ready %v after the outage began, and users go on %v after that", ended.Sub(began).Round(time.Millisecond), time.Since(ended).Round(time.Millisecond))
	writers.End()

	for _, failure := range writers.Failures() {
		var status apierrors.APIStatus
		if !errors.As(failure.Err, &status) || status.Status().Code < 500 || failure.At.Before(began) || failure.At.After(ended.Add(patience)) {
			t.Errorf("a failure that doesn't tell of the outage: %v", failure)
		}
	}
	written, number := writers.Written()
	for _, watcher := range watchers {
		watcher.Await(written)
	}
	t.Logf("%d requests, %d failures, %d changes, %d watches", writers.Requests(), len(writers.Failures()), number, watchers[0].Watches())
}

// checkRefusals asks a replica itself: the aggregator sends nothing to one that isn't
// ready.
func checkRefusals(t *testing.T, c *cluster) {
	t.Helper()
	proxy := c.proxies.Client(proxyName)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		asked := time.Now()
		code, body := ask(t, c.direct(c.replicas[0], &proxy), method, sessionsPath+"/outage-0", master)
		var status metav1.Status
		if err := json.Unmarshal(body, &status); err != nil || code < 500 || status.Message == "" {
			t.Errorf("%s is answered %d: %s", method, code, body)
		}
		if took := time.Since(asked); took > outage {
			t.Errorf("%s was answered after %v", method, took)
		}
		t.Logf("%s is answered %d %s after %v: %s", method, code, status.Reason, time.Since(asked).Round(time.Millisecond), status.Message)
	}
}
