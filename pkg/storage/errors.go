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

// translated is a client whose errors are translated for clients of the API. The functions must keep errors that the
// storage code interprets.
type translated struct {
	kubernetes.Interface
	read, write func(error) error
}

// Get implements kubernetes.Interface.
func (t translated) Get(
	ctx context.Context,
	key string,
	options kubernetes.GetOptions,
) (kubernetes.GetResponse, error) {
	response, err := t.Interface.Get(ctx, key, options)
	return response, t.read(err)
}

// List implements kubernetes.Interface.
func (t translated) List(
	ctx context.Context,
	prefix string,
	options kubernetes.ListOptions,
) (kubernetes.ListResponse, error) {
	response, err := t.Interface.List(ctx, prefix, options)
	return response, t.read(err)
}

// Count implements kubernetes.Interface.
func (t translated) Count(ctx context.Context, prefix string, options kubernetes.CountOptions) (int64, error) {
	count, err := t.Interface.Count(ctx, prefix, options)
	return count, t.read(err)
}

// OptimisticPut implements kubernetes.Interface.
func (t translated) OptimisticPut(
	ctx context.Context,
	key string,
	value []byte,
	revision int64,
	options kubernetes.PutOptions,
) (kubernetes.PutResponse, error) {
	response, err := t.Interface.OptimisticPut(ctx, key, value, revision, options)
	return response, t.write(err)
}

// OptimisticDelete implements kubernetes.Interface.
func (t translated) OptimisticDelete(
	ctx context.Context,
	key string,
	revision int64,
	options kubernetes.DeleteOptions,
) (kubernetes.DeleteResponse, error) {
	response, err := t.Interface.OptimisticDelete(ctx, key, revision, options)
	return response, t.write(err)
}

// refusal is an error that a client of the API receives unchanged.
func refusal(code int32, reason metav1.StatusReason, message string) error {
	return &apierrors.StatusError{
		ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message},
	}
}

// overloadedRetrySeconds is when a client may repeat a request that etcd was too busy for.
const overloadedRetrySeconds = 1

// etcdReadError returns the status for the error of a read from etcd.
func etcdReadError(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrTooManyRequests):
		// etcd has not started the request, so that a write can be repeated too.
		return apierrors.NewTooManyRequests(fmt.Sprintf("etcd is overloaded: %v", err), overloadedRetrySeconds)
	case isUnavailable(err):
		return refusal(
			http.StatusServiceUnavailable,
			metav1.StatusReasonServiceUnavailable,
			fmt.Sprintf("etcd doesn't answer: %v", err),
		)
	}
	return err
}

// etcdWriteError returns the status for the error of a write to etcd.
func etcdWriteError(err error) error {
	var lost unanswered
	switch {
	case errors.As(err, &lost) && !lost.sent, errors.Is(err, rpctypes.ErrTooManyRequests):
		return etcdReadError(err)
	case errors.Is(err, rpctypes.ErrNoSpace):
		return refusal(
			http.StatusInsufficientStorage,
			ReasonInsufficientStorage,
			fmt.Sprintf(
				"etcd accepts no writes: %v (compact and defragment it, or raise its quota; then disarm the alarm)",
				err,
			),
		)
	case isTooLarge(err):
		return apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("the object exceeds etcd's limit (%v)", err))
	case isUnavailable(err):
		return refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable,
			fmt.Sprintf("etcd hasn't answered, and the change may have been stored: %v", err))
	}
	return err
}

// isTooLarge reports whether a request exceeds the limit of etcd, or of gRPC at
// either end of the connection, which has no error of its own for it.
func isTooLarge(err error) bool {
	return errors.Is(err, rpctypes.ErrRequestTooLarge) ||
		status.Code(err) == codes.ResourceExhausted && strings.Contains(err.Error(), "message larger than max")
}

// isUnavailable reports whether the same request may succeed later.
func isUnavailable(err error) bool {
	var lost unanswered
	var etcdError rpctypes.EtcdError
	return errors.As(err, &lost) || errors.As(err, &etcdError) && etcdError.Code() == codes.Unavailable ||
		status.Code(err) == codes.Unavailable
}
