// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build kube

package e2e_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/hack/e2e/kubeconfig"
	"tilt.dev/session/hack/e2e/load"
)

// renewal is how long replicas may take to have new keys after the Secret with the
// old ones was deleted. They look after them each minute.
const renewal = 4 * time.Minute

// testRenewal deletes the Secret of the replicas' certificate. They make another,
// publish who has signed it and go over to it while users write and watch: no request
// of theirs fails, and no change is missed.
func testRenewal(t *testing.T, c *cluster) {
	sessions := c.sessions(c.front.User("ed", "editors"))
	watcher := load.StartWatcher(t, sessions, "renewal")
	writers := load.StartWriters(t, sessions, "renewal", 4)
	writers.GoOn(20)
	k := kubectl{kubeconfig: kubeconfig.Write(t, c.admin), home: t.TempDir()}
	k.run(t, "", "delete secret tilt-session-serving -n "+namespace)
	began := time.Now()
	c.trust = c.awaitOtherTrust(c.trust)
	for _, r := range c.replicas {
		c.within(renewal, "a replica shows a certificate of the new authority", func(context.Context) bool { return shows(t, c.direct(r, nil)) })
	}
	t.Logf("after %v", time.Since(began).Round(time.Second))
	writers.GoOn(50)
	endLoad(t, writers, watcher)
}

// awaitOtherTrust returns the authority that's published before those that were.
func (c *cluster) awaitOtherTrust(before []byte) []byte {
	c.t.Helper()
	services := c.apiServices().ApiregistrationV1().APIServices()
	var bundle []byte
	c.within(renewal, "another authority is published", func(ctx context.Context) bool {
		found, err := services.Get(ctx, apiServiceName, metav1.GetOptions{})
		if err != nil {
			return false
		}
		bundle = found.Spec.CABundle
		return !bytes.Equal(bundle, before)
	})
	if !bytes.HasSuffix(bundle, before) {
		c.t.Error("the authority from before isn't trusted any more")
	}
	return bytes.TrimSuffix(bundle, before)
}
