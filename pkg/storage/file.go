// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/storage/bolt"
	"tilt.dev/session/pkg/storage/mvcc"
)

// ReasonInsufficientStorage is the reason, with the code 507, of the status of a
// change that the storage rejects for lack of space.
const ReasonInsufficientStorage metav1.StatusReason = "InsufficientStorage"

// NewFile opens the storage in Config.Dir. It fails if another process uses the
// directory, or if its file cannot be written or is damaged.
//
// A change whose commit fails gets a status of 504, because it may have been stored. Further changes get 507 (no
// space) or 503 with the cause, reads continue, and Backend.HealthChecks fail. The storage tries every second to
// open the file again; then it accepts changes. After a lack of space it first requires as much free space as the
// failed change needed.
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
	store, err := mvcc.New(mvcc.Options{Clock: config.Clock, Log: log, Restore: held})
	if err != nil {
		err = fmt.Errorf(
			"storage: %s is inconsistent: %w (restore a backup, or move the directory away to start empty)",
			config.Dir,
			err,
		)
		return nil, errors.Join(err, log.Close())
	}
	return newEmbedded(config, store, log.Close), nil
}

// fileWriteError returns the status for the error of a write to a file.
func fileWriteError(err error) error {
	switch {
	case errors.Is(err, mvcc.ErrUncertain):
		return refusal(http.StatusGatewayTimeout, metav1.StatusReasonTimeout, err.Error())
	case !errors.Is(err, mvcc.ErrReadOnly):
		return err
	case bolt.OutOfSpace(err):
		return refusal(http.StatusInsufficientStorage, ReasonInsufficientStorage, err.Error())
	}
	return refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, err.Error())
}
