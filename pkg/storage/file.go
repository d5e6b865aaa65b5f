// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/server/healthz"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/mvcc"
)

// ReasonInsufficientStorage is the reason of the status that a change gets,
// with the code 507, when there is no room for it on the disk.
const ReasonInsufficientStorage metav1.StatusReason = "InsufficientStorage"

// NewFile opens the storage of a directory, or says what is in the way: it is
// used by another process, can't be written, or is damaged.
//
// When the file can't be written later, changes are refused with a status of
// 507 or 503 that says why, reading goes on, and Backend.HealthChecks tell. It is
// tried again until it succeeds.
func NewFile(config Config) (*Backend, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if config.Dir == "" {
		return nil, errors.New("storage: a directory is required")
	}
	log, held, err := bolt.Open(config.Dir)
	if err != nil {
		return nil, err
	}
	store, err := mvcc.New(mvcc.Options{Clock: config.Clock, Log: statusLog{log}, Restore: held})
	if err != nil {
		err = fmt.Errorf("storage: what is in %s contradicts itself: %w (restore it from a backup, or move it away to start empty)", config.Dir, err)
		return nil, errors.Join(err, log.Close())
	}
	ctx := context.Background() // the client ends with the store
	announceProgress(ctx)
	client := store.Client(ctx)
	client.Watcher = announcingWatcher{client.Watcher}
	return &Backend{config: config, source: source{
		client:    client,
		compactor: store,
		checks:    []healthz.HealthChecker{embeddedCheck(client, config.Prefix, store.Err)},
		close:     func() error { store.Close(); return log.Close() },
	}}, nil
}

// statusLog is a log whose errors are an API server's.
type statusLog struct {
	log mvcc.Log
}

// Commit wraps what the log fails with.
func (l statusLog) Commit(changes mvcc.Changes) error {
	err := l.log.Commit(changes)
	if err == nil {
		return nil
	}
	if bolt.OutOfSpace(err) {
		return refusal(http.StatusInsufficientStorage, ReasonInsufficientStorage, err.Error())
	}
	return refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, err.Error())
}
