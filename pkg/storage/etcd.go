// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/apiserver/pkg/storage/etcd3"
)

// How soon it's noticed that a member of etcd is gone without a word, and how soon
// that it's back.
const (
	// etcd takes it amiss if it's asked more often than every 5 seconds.
	keepaliveEvery   = 10 * time.Second
	keepaliveTimeout = 5 * time.Second
	// A TLS handshake takes long on a machine that's busy.
	connectionTimeout = 10 * time.Second
	reconnectionPause = 2 * time.Second
)

// NewEtcd opens a storage in etcd, which other processes may use at the same time.
// Config.Prefix isn't looked at, EtcdOptions.Prefix is.
//
// It doesn't wait for etcd, nor does it fail without one, at first or later: until
// etcd answers, what can't be taken from a cache is refused with a status of 503
// that says why, and Backend.HealthChecks tell. Open watches go on where they were.
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
	client.Kubernetes = translatedReads{translatedWrites{client.Kubernetes, etcdWriteError}, etcdReadError}
	compactor := etcd3.NewCompactor(client.Client, options.CompactionInterval, config.Clock, nil)
	stopMeasuring := measureSize(client.Client)
	return &Backend{config: config, source: source{
		client:    client,
		compactor: compactor,
		checks: []healthz.HealthChecker{
			newEtcdCheck("etcd", client, config.Prefix, options.HealthcheckTimeout, config.Clock),
			newEtcdCheck("etcd-readiness", client, config.Prefix, options.ReadycheckTimeout, config.Clock),
		},
		close: func() error {
			stopMeasuring()
			compactor.Stop()
			return client.Close()
		},
	}}, nil
}

// connect returns a client that connects as soon as it can, and again whenever the
// connection is lost. The factory of k8s.io/apiserver isn't used because it fails
// where etcd isn't there at once.
func (o EtcdOptions) connect() (*kubernetes.Client, error) {
	return kubernetes.New(clientv3.Config{
		Endpoints:            o.Servers,
		DialKeepAliveTime:    keepaliveEvery,
		DialKeepAliveTimeout: keepaliveTimeout,
		DialOptions: append(o.dialTLS(),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: reconnectionPause / 10, Multiplier: 2, Jitter: 0.2, MaxDelay: reconnectionPause},
				MinConnectTimeout: connectionTimeout,
			}),
			grpc.WithChainUnaryInterceptor(awaitConnection),
		),
		// It would write to the standard error what whoever calls is told as well.
		Logger: zap.NewNop(),
	})
}
