// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage/etcd3/metrics"
)

// measureSize makes the metric apiserver_storage_size_bytes report the database
// size of a member of etcd, until the returned function is called. The library
// has one such metric for the process: of several backends it measures the last.
func measureSize(client *clientv3.Client) func() {
	metrics.SetStorageMonitorGetter(func() ([]metrics.Monitor, error) { return []metrics.Monitor{monitor{client}}, nil })
	return func() {
		metrics.SetStorageMonitorGetter(func() ([]metrics.Monitor, error) { return nil, nil })
	}
}

// monitor queries etcd whenever the metrics are collected.
type monitor struct {
	client *clientv3.Client
}

var _ metrics.Monitor = monitor{}

// Monitor implements metrics.Monitor. It returns the size of the first member that answers.
func (m monitor) Monitor(ctx context.Context) (size metrics.StorageMetrics, err error) {
	for _, endpoint := range m.client.Endpoints() {
		var status *clientv3.StatusResponse
		if status, err = m.client.Status(ctx, endpoint); err == nil {
			return metrics.StorageMetrics{Size: status.DbSize}, nil
		}
	}
	return size, err
}

// Close implements metrics.Monitor. The backend closes the client.
func (m monitor) Close() error { return nil }
