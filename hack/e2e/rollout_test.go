// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"tilt.dev/session/hack/e2e/etcd"
	"tilt.dev/session/hack/e2e/load"
)

// Both replicas are replaced while users write and watch: no request of theirs fails,
// and no change is missed.
func TestRollout(t *testing.T) {
	testRollout(t, newCluster(t, 2, etcd.Start(t, etcd.Config{})))
}

func testRollout(t *testing.T, c *cluster) {
	sessions := c.sessions(c.front.User("ed", "editors"))
	watchers := []*load.Watcher{load.StartWatcher(t, sessions, "rollout"), load.StartWatcher(t, sessions, "rollout"), load.StartWatcher(t, sessions, "rollout")}
	writers := load.StartWriters(t, sessions, "rollout", 8)
	writers.GoOn(100)
	for i := range c.replicas {
		c.replace(i)
		writers.GoOn(100)
	}
	endLoad(t, writers, watchers...)
}

// endLoad ends the requests of users: none has failed, and no change was missed.
func endLoad(t *testing.T, writers *load.Writers, watchers ...*load.Watcher) {
	t.Helper()
	writers.End()
	for _, failure := range writers.Failures() {
		t.Error(failure)
	}
	written, number := writers.Written()
	for _, watcher := range watchers {
		watcher.Await(written)
	}
	t.Logf("%d requests, %d changes, %d watches", writers.Requests(), number, watchers[0].Watches())
}
