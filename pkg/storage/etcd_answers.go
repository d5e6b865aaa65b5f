// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// overloadedRetrySeconds is when a client may try again what etcd was too busy for.
const overloadedRetrySeconds = 1

// answered is an etcd whose errors are an API server's, where they concern who
// asks it. The others mean something to the storage code.
type answered struct {
	kubernetes.Interface
}

// Get implements kubernetes.Interface.
func (a answered) Get(ctx context.Context, key string, options kubernetes.GetOptions) (kubernetes.GetResponse, error) {
	response, err := a.Interface.Get(ctx, key, options)
	return response, readError(err)
}

// List implements kubernetes.Interface.
func (a answered) List(ctx context.Context, prefix string, options kubernetes.ListOptions) (kubernetes.ListResponse, error) {
	response, err := a.Interface.List(ctx, prefix, options)
	return response, readError(err)
}

// Count implements kubernetes.Interface.
func (a answered) Count(ctx context.Context, prefix string, options kubernetes.CountOptions) (int64, error) {
	count, err := a.Interface.Count(ctx, prefix, options)
	return count, readError(err)
}

// OptimisticPut implements kubernetes.Interface.
func (a answered) OptimisticPut(ctx context.Context, key string, value []byte, revision int64, options kubernetes.PutOptions) (kubernetes.PutResponse, error) {
	response, err := a.Interface.OptimisticPut(ctx, key, value, revision, options)
	return response, writeError(err)
}

// OptimisticDelete implements kubernetes.Interface.
func (a answered) OptimisticDelete(ctx context.Context, key string, revision int64, options kubernetes.DeleteOptions) (kubernetes.DeleteResponse, error) {
	response, err := a.Interface.OptimisticDelete(ctx, key, revision, options)
	return response, writeError(err)
}

// readError is what an error of a read is to a client of the API.
func readError(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrTooManyRequests):
		// It has refused to begin with it, so that a write may be tried again too.
		return apierrors.NewTooManyRequests(fmt.Sprintf("etcd can't keep up: %v", err), overloadedRetrySeconds)
	case isUnavailable(err):
		return refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, fmt.Sprintf("etcd doesn't answer: %v", err))
	}
	return err
}

// writeError is what an error of a write is to a client of the API.
func writeError(err error) error {
	var lost unanswered
	switch {
	case errors.As(err, &lost) && !lost.sent, errors.Is(err, rpctypes.ErrTooManyRequests):
		return readError(err)
	case errors.Is(err, rpctypes.ErrNoSpace):
		return refusal(http.StatusInsufficientStorage, ReasonInsufficientStorage,
			fmt.Sprintf("etcd takes no writes: %v (compact and defragment it, or raise its quota; then disarm the alarm)", err))
	case isTooLarge(err):
		return apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("it's more than etcd takes (%v)", err))
	case isUnavailable(err):
		return refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable,
			fmt.Sprintf("etcd hasn't answered, and may have stored the change all the same: %v", err))
	}
	return err
}

// isTooLarge tells whether a request was more than etcd takes, or more than gRPC
// takes at either end of the connection, which has no error of its own for that.
func isTooLarge(err error) bool {
	return errors.Is(err, rpctypes.ErrRequestTooLarge) ||
		status.Code(err) == codes.ResourceExhausted && strings.Contains(err.Error(), "message larger than max")
}

// isUnavailable tells whether the same may work at another time.
func isUnavailable(err error) bool {
	var lost unanswered
	var told rpctypes.EtcdError
	return errors.As(err, &lost) || errors.As(err, &told) && told.Code() == codes.Unavailable || status.Code(err) == codes.Unavailable
}

// refusal is an error that a client of the API gets as it is.
func refusal(code int32, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}}
}
