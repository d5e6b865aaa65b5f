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

// connectionPatience is how long a call waits for a connection while there's none.
// It bridges the restart of an etcd that has one member.
const connectionPatience = 5 * time.Second

// unanswered is an error after which a call isn't tried again.
type unanswered struct {
	cause error
	// sent is true if etcd may have done what it was asked for.
	sent bool
}

// Error implements error.
func (u unanswered) Error() string { return u.cause.Error() }

// awaitConnection has calls fail in time that can't be sent, and say why. The
// client's own way is to wait for as long as the caller does.
func awaitConnection(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
	state := connected(ctx, conn)
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case state == connectivity.TransientFailure:
		// It's answered at once with what the last try to connect has failed by.
		options = append(options, grpc.WaitForReady(false))
	case state == connectivity.Shutdown:
		return unanswered{cause: errors.New("the storage is closed")}
	case state != connectivity.Ready:
		return unanswered{cause: errors.New("none of its servers takes a connection")}
	}
	err := call(ctx, method, request, reply, conn, options...)
	switch {
	case state != connectivity.Ready && status.Code(err) == codes.Unavailable:
		return unanswered{cause: errors.New(status.Convert(err).Message())}
	case isTimeout(rpctypes.Error(err)):
		// It has waited for a majority of its members for long.
		return unanswered{cause: rpctypes.Error(err), sent: true}
	}
	return err
}

// isTimeout tells whether etcd itself has waited, for as long as it does.
func isTimeout(err error) bool {
	return errors.Is(err, rpctypes.ErrTimeout) || errors.Is(err, rpctypes.ErrTimeoutDueToLeaderFail) ||
		errors.Is(err, rpctypes.ErrTimeoutDueToConnectionLost)
}

// connected waits for a connection and returns the state of that then. Of what a
// caller with a deadline has, half is left.
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
