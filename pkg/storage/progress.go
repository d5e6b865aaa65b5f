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

// embedded is the stores inside this process as an etcd endpoint.
type embedded struct{}

// Endpoints returns one name for all of them, so that they are asked once.
func (embedded) Endpoints() []string { return []string{"embedded"} }

// Status tells the version of etcd whose behaviour they have.
func (embedded) Status(context.Context, string) (*clientv3.StatusResponse, error) {
	return &clientv3.StatusResponse{Version: version.Version}, nil
}

// announceProgress lets caches rely on watches telling their progress when
// asked, which consistent lists and streamed ones need. The storage code keeps
// that for the whole process, asks the endpoints that a client lists, and
// believes in it only after one has answered. A store inside the process has
// no endpoint, so it is asked here by way of one that stands for it. An etcd
// that can't do it still turns the feature off. The answer is taken a moment
// after this returns; until then consistent lists are read from the storage,
// and streamed ones refused, on which clients fall back to a list.
func announceProgress(ctx context.Context) {
	feature.DefaultFeatureSupportChecker.CheckClient(ctx, embedded{}, storage.RequestWatchProgress)
}
