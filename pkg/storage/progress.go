// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	"go.etcd.io/etcd/api/v3/version"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/feature"
)

// embedded represents the stores inside this process as an etcd endpoint.
type embedded struct{}

// Endpoints returns one name for all of them, so that they are checked once.
func (embedded) Endpoints() []string { return []string{"embedded"} }

// Status returns the version of etcd whose behavior they have.
func (embedded) Status(context.Context, string) (*clientv3.StatusResponse, error) {
	return &clientv3.StatusResponse{Version: version.Version}, nil
}

// announceProgress enables the feature that watches send their progress on request, which consistent and streamed
// lists from the cache need. The storage code keeps the feature for the whole process, and enables it once an
// endpoint of a client has reported a suitable version. An embedded store has no endpoint; the type embedded
// represents it. An etcd without the feature still disables it. The check completes shortly after this function
// returns. Until then consistent lists are read from the storage, and streamed ones are rejected, so that clients
// fall back to a list.
func announceProgress(ctx context.Context) {
	feature.DefaultFeatureSupportChecker.CheckClient(ctx, embedded{}, storage.RequestWatchProgress)
}
