// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/utils/clock"
)

// etcdCheck reads a key, which takes a majority of etcd's members. Everybody may call the check, so it must not
// keep etcd busy: it reads once at a time, and repeats the last result for half of the timeout.
type etcdCheck struct {
	name    string
	client  *kubernetes.Client
	prefix  string
	timeout time.Duration
	clock   clock.PassiveClock

	mu   sync.Mutex // held while reading
	read time.Time  // when last is from
	last error
}

var _ healthz.HealthChecker = (*etcdCheck)(nil)

func newEtcdCheck(name string, client *kubernetes.Client, prefix string, timeout time.Duration, clock clock.PassiveClock) *etcdCheck {
	return &etcdCheck{name: name, client: client, prefix: prefix, timeout: timeout, clock: clock}
}

// Name implements healthz.HealthChecker.
func (c *etcdCheck) Name() string { return c.name }

// Check implements healthz.HealthChecker.
func (c *etcdCheck) Check(request *http.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.IsZero() || c.clock.Since(c.read) >= c.timeout/2 {
		// The result is for other callers too; this one may go away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), c.timeout)
		defer cancel()
		c.last = readHealth(ctx, c.client, c.prefix)
		if errors.Is(c.last, context.DeadlineExceeded) {
			c.last = fmt.Errorf("etcd doesn't answer within %v", c.timeout)
		}
		c.read = c.clock.Now()
	}
	return c.last
}
