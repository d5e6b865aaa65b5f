// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"

	"go.etcd.io/etcd/client/v3/kubernetes"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// translated is a client whose errors are translated for clients of the API. The functions must keep errors that the
// storage code interprets.
type translated struct {
	kubernetes.Interface
	read, write func(error) error
}

// Get implements kubernetes.Interface.
func (t translated) Get(ctx context.Context, key string, options kubernetes.GetOptions) (kubernetes.GetResponse, error) {
	response, err := t.Interface.Get(ctx, key, options)
	return response, t.read(err)
}

// List implements kubernetes.Interface.
func (t translated) List(ctx context.Context, prefix string, options kubernetes.ListOptions) (kubernetes.ListResponse, error) {
	response, err := t.Interface.List(ctx, prefix, options)
	return response, t.read(err)
}

// Count implements kubernetes.Interface.
func (t translated) Count(ctx context.Context, prefix string, options kubernetes.CountOptions) (int64, error) {
	count, err := t.Interface.Count(ctx, prefix, options)
	return count, t.read(err)
}

// OptimisticPut implements kubernetes.Interface.
func (t translated) OptimisticPut(ctx context.Context, key string, value []byte, revision int64, options kubernetes.PutOptions) (kubernetes.PutResponse, error) {
	response, err := t.Interface.OptimisticPut(ctx, key, value, revision, options)
	return response, t.write(err)
}

// OptimisticDelete implements kubernetes.Interface.
func (t translated) OptimisticDelete(ctx context.Context, key string, revision int64, options kubernetes.DeleteOptions) (kubernetes.DeleteResponse, error) {
	response, err := t.Interface.OptimisticDelete(ctx, key, revision, options)
	return response, t.write(err)
}

// refusal is an error that a client of the API receives unchanged.
func refusal(code int32, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
}
