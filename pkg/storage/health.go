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
