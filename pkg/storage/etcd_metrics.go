// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage/etcd3/metrics"
)

// measureSize has the metric apiserver_storage_size_bytes be what a member of etcd
// occupies, until the returned function is called. The library keeps that for the
// whole process: of several backends the last one is measured.
func measureSize(client *clientv3.Client) func() {
	metrics.SetStorageMonitorGetter(func() ([]metrics.Monitor, error) { return []metrics.Monitor{monitor{client}}, nil })
	return func() {
		metrics.SetStorageMonitorGetter(func() ([]metrics.Monitor, error) { return nil, nil })
	}
}

// monitor asks etcd when the metrics are asked for.
type monitor struct {
	client *clientv3.Client
}

var _ metrics.Monitor = monitor{}

// Monitor implements metrics.Monitor. It asks the first member that answers.
func (m monitor) Monitor(ctx context.Context) (size metrics.StorageMetrics, err error) {
	for _, endpoint := range m.client.Endpoints() {
		var status *clientv3.StatusResponse
		if status, err = m.client.Status(ctx, endpoint); err == nil {
			return metrics.StorageMetrics{Size: status.DbSize}, nil
		}
	}
	return size, err
}

// Close implements metrics.Monitor. The client is the backend's.
func (m monitor) Close() error { return nil }
