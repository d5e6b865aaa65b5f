// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"fmt"
	"net/http"
	"path"

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
			return err // it says that it's of the storage
		}
		return nil
	})
}

// readHealth reads a key that isn't there, which shows that any could be read.
func readHealth(ctx context.Context, client *kubernetes.Client, prefix string) error {
	_, err := client.Kubernetes.Get(ctx, path.Join("/", prefix, "health"), kubernetes.GetOptions{})
	return err
}
