// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// overloadedRetrySeconds is when a client may repeat a request that etcd was too busy for.
const overloadedRetrySeconds = 1

// etcdReadError returns the status for the error of a read from etcd.
func etcdReadError(err error) error {
	switch {
	case errors.Is(err, rpctypes.ErrTooManyRequests):
		// etcd has not started the request, so that a write can be repeated too.
		return apierrors.NewTooManyRequests(fmt.Sprintf("etcd is overloaded: %v", err), overloadedRetrySeconds)
	case isUnavailable(err):
		return refusal(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, fmt.Sprintf("etcd doesn't answer: %v", err))
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
		return refusal(http.StatusInsufficientStorage, ReasonInsufficientStorage,
			fmt.Sprintf("etcd accepts no writes: %v (compact and defragment it, or raise its quota; then disarm the alarm)", err))
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
