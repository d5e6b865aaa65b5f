// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"sync"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/utils/clock"
)

// HealthChecks returns the health checks of the storage. The one of an embedded store is "storage". Those of etcd
// are "etcd" and "etcd-readiness", which differ in their timeout.
func (b *Backend) HealthChecks() []healthz.HealthChecker { return b.source.checks }

// embeddedCheck reads, and also fails while the store is read-only.
func embeddedCheck(client *kubernetes.Client, prefix string, writable func() error) healthz.HealthChecker {
	return healthz.NamedCheck("storage", func(request *http.Request) error {
		if err := readHealth(request.Context(), client, prefix); err != nil {
			return fmt.Errorf("storage: reading: %w", err)
		}
		if err := writable(); err != nil {
			return err // it begins with "storage"
		}
		return nil
	})
}

// readHealth reads a missing key, to show that keys can be read.
func readHealth(ctx context.Context, client *kubernetes.Client, prefix string) error {
	_, err := client.Kubernetes.Get(ctx, path.Join("/", prefix, "health"), kubernetes.GetOptions{})
	return err
}

// etcdCheck reads a key, which takes a majority of etcd's members. Any client may call the check, so it must not
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

func newEtcdCheck(
	name string,
	client *kubernetes.Client,
	prefix string,
	timeout time.Duration,
	clock clock.PassiveClock,
) *etcdCheck {
	return &etcdCheck{name: name, client: client, prefix: prefix, timeout: timeout, clock: clock}
}

// Name implements healthz.HealthChecker.
func (c *etcdCheck) Name() string { return c.name }

// Check implements healthz.HealthChecker.
func (c *etcdCheck) Check(request *http.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.IsZero() || c.clock.Since(c.read) >= c.timeout/2 {
		// The result is for other callers too; this one may be canceled.
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
