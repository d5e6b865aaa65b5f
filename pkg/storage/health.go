// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"time"

	"go.etcd.io/etcd/client/v3/kubernetes"
	"k8s.io/apiserver/pkg/server/healthz"
)

// HealthChecks tell what is wrong when the storage can't be relied on. That of a
// store in this process is "storage". Those of etcd are "etcd" and
// "etcd-readiness", which differ in how long it may take to answer.
func (b *Backend) HealthChecks() []healthz.HealthChecker { return b.source.checks }

// embeddedCheck reads, and fails as well when nothing can be written.
func embeddedCheck(client *kubernetes.Client, prefix string, writable func() error) healthz.HealthChecker {
	return healthz.NamedCheck("storage", func(request *http.Request) error {
		if err := readHealth(request.Context(), client, prefix); err != nil {
			return fmt.Errorf("storage: reading: %w", err)
		}
		if err := writable(); err != nil {
			return fmt.Errorf("storage: writing: %w", err)
		}
		return nil
	})
}

// etcdCheck reads what takes a majority of etcd's members to be read.
func etcdCheck(name string, client *kubernetes.Client, prefix string, timeout time.Duration) healthz.HealthChecker {
	return healthz.NamedCheck(name, func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), timeout)
		defer cancel()
		err := readHealth(ctx, client, prefix)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("etcd doesn't answer within %v", timeout)
		}
		return err
	})
}

// readHealth reads a key that isn't there, which shows that any could be read.
func readHealth(ctx context.Context, client *kubernetes.Client, prefix string) error {
	_, err := client.Kubernetes.Get(ctx, path.Join("/", prefix, "health"), kubernetes.GetOptions{})
	return err
}
