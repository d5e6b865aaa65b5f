// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

// connectionPatience is how long a call waits for a connection. It bridges the restart of an etcd with one member.
const connectionPatience = 5 * time.Second

// unanswered is an error after which the client doesn't retry a call.
type unanswered struct {
	cause error
	// sent is true if etcd may have executed the call.
	sent bool
}

// Error implements error.
func (u unanswered) Error() string { return u.cause.Error() }

// awaitConnection makes calls that cannot be sent fail in time, with the cause. By
// default the client waits for as long as its caller does.
func awaitConnection(
	ctx context.Context,
	method string,
	request, reply any,
	conn *grpc.ClientConn,
	call grpc.UnaryInvoker,
	options ...grpc.CallOption,
) error {
	state := connected(ctx, conn)
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case state == connectivity.TransientFailure:
		// The call fails at once with the error of the last attempt to connect.
		options = append(options, grpc.WaitForReady(false))
	case state == connectivity.Shutdown:
		return unanswered{cause: errors.New("the storage is closed")}
	case state != connectivity.Ready:
		return unanswered{cause: errors.New("none of its servers accepts a connection")}
	}
	err := call(ctx, method, request, reply, conn, options...)
	switch {
	case state != connectivity.Ready && status.Code(err) == codes.Unavailable:
		return unanswered{cause: errors.New(status.Convert(err).Message())}
	case isTimeout(rpctypes.Error(err)):
		// etcd has waited for a majority of its members.
		return unanswered{cause: rpctypes.Error(err), sent: true}
	}
	return err
}

// isTimeout reports whether etcd itself timed out.
func isTimeout(err error) bool {
	return errors.Is(err, rpctypes.ErrTimeout) || errors.Is(err, rpctypes.ErrTimeoutDueToLeaderFail) ||
		errors.Is(err, rpctypes.ErrTimeoutDueToConnectionLost)
}

// connected waits for a connection and returns its state. It leaves half of the
// time until the deadline of the caller.
func connected(ctx context.Context, conn *grpc.ClientConn) connectivity.State {
	patience := connectionPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/2)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		state := conn.GetState()
		if state == connectivity.Idle {
			conn.Connect()
		}
		if state == connectivity.Ready || state == connectivity.Shutdown || !conn.WaitForStateChange(waiting, state) {
			return state
		}
	}
}
