// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/storage/etcd3"
	"k8s.io/apiserver/pkg/storage/etcd3/metrics"
)

// These bound how long it takes to detect that a member of etcd is gone without
// closing its connections, and that it is back.
const (
	// etcd closes connections that send keepalives more often than every 5 seconds.
	keepaliveEvery   = 10 * time.Second
	keepaliveTimeout = 5 * time.Second
	// A TLS handshake takes long on a busy machine.
	connectionTimeout = 10 * time.Second
	reconnectionPause = 2 * time.Second
)

// NewEtcd opens a storage in etcd, which other processes may use at the same time.
// It uses EtcdOptions.Prefix instead of Config.Prefix.
//
// NewEtcd neither waits for etcd nor fails without it. While etcd doesn't answer, requests that the cache cannot
// serve get a status of 503 with the cause, and Backend.HealthChecks fail. Open watches continue when etcd is back.
func NewEtcd(config Config, options EtcdOptions) (*Backend, error) {
	if err := errors.Join(options.Validate()...); err != nil {
		return nil, err
	}
	config.Prefix = options.Prefix
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	client, err := options.connect()
	if err != nil {
		return nil, err
	}
	client.KV = etcd3.NewETCDLatencyTracker(client.KV)
	client.Kubernetes = translated{client.Kubernetes, etcdReadError, etcdWriteError}
	compactor := etcd3.NewCompactor(client.Client, options.CompactionInterval, config.Clock, nil)
	stopMeasuring := measureSize(client.Client)
	return &Backend{config: config, source: source{
		client:    client,
		compactor: compactor,
		checks: []healthz.HealthChecker{
			newEtcdCheck("etcd", client, config.Prefix, options.HealthcheckTimeout, config.Clock),
			newEtcdCheck("etcd-readiness", client, config.Prefix, options.ReadycheckTimeout, config.Clock),
		},
		elect: func(ctx context.Context, key string, lead func(context.Context)) error {
			return electIn(ctx, client.Client, key, lead)
		},
		close: func() error {
			stopMeasuring()
			compactor.Stop()
			return client.Close()
		},
	}}, nil
}

// connect returns a client that connects as soon as it can, and reconnects. The
// factory of k8s.io/apiserver fails if etcd is not available at once.
func (o EtcdOptions) connect() (*kubernetes.Client, error) {
	return kubernetes.New(clientv3.Config{
		Endpoints:            o.Servers,
		DialKeepAliveTime:    keepaliveEvery,
		DialKeepAliveTimeout: keepaliveTimeout,
		DialOptions: append(o.dialTLS(),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff: backoff.Config{
					BaseDelay:  reconnectionPause / 10,
					Multiplier: 2,
					Jitter:     0.2,
					MaxDelay:   reconnectionPause,
				},
				MinConnectTimeout: connectionTimeout,
			}),
			grpc.WithChainUnaryInterceptor(awaitConnection),
		),
		// It would print errors that callers receive as well.
		Logger: zap.NewNop(),
	})
}

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
