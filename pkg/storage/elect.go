// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"path"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"k8s.io/klog/v2"
)

const (
	// electionTTL is the number of seconds after which another process is elected in place of one that is gone.
	electionTTL = 10
	// electionPause is the time between two attempts while etcd can't be reached.
	electionPause = 2 * time.Second
	// resignTimeout bounds how long a process that ends takes to make room for another.
	resignTimeout = 2 * time.Second
)

// Elect calls lead while this process is the one that is elected for a task, of those that share the storage, and
// returns when ctx is done. The context of lead ends when the process is no longer elected; another one may be elected
// a moment before, so the task has to be one that two processes may do. A storage of this process alone elects it.
func (b *Backend) Elect(ctx context.Context, task string, lead func(context.Context)) error {
	if b.source.elect == nil {
		lead(ctx)
		return nil
	}
	for ctx.Err() == nil {
		if err := b.source.elect(ctx, path.Join(b.config.Prefix, "elections", task), lead); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(1).Info("The election is repeated", "task", task, "err", err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(electionPause):
		}
	}
	return nil
}

// electIn takes part in an election, calls lead when this process has won, and returns when the process has lost.
func electIn(ctx context.Context, client *clientv3.Client, key string, lead func(context.Context)) error {
	candidacy, err := concurrency.NewSession(client, concurrency.WithTTL(electionTTL), concurrency.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() {
		resigning, cancel := context.WithTimeout(context.WithoutCancel(ctx), resignTimeout)
		defer cancel()
		candidacy.Orphan()
		_, _ = client.Revoke(resigning, candidacy.Lease()) // Otherwise it expires.
	}()
	campaigning, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(ctx, end)()
	go func() {
		select {
		case <-candidacy.Done():
			end()
		case <-campaigning.Done():
		}
	}()
	if err := concurrency.NewElection(candidacy, key).Campaign(campaigning, ""); err != nil {
		return err
	}
	lead(campaigning)
	return nil
}
