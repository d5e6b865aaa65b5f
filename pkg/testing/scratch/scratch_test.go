// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package scratch_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"tilt.dev/session/pkg/apiserver"
	"tilt.dev/session/pkg/testing/scratch"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"))
}

func TestRunReturnsTheErrorOfItsFunction(t *testing.T) {
	failure := errors.New("it failed")
	var during context.Context
	err := scratch.Run(t.Context(), func(ctx context.Context, server *apiserver.Server) error {
		during = ctx
		if ctx.Err() != nil || server.Access().URL == "" {
			t.Errorf("not ready: %v", ctx.Err())
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v, want %v", err, failure)
	}
	if during.Err() == nil {
		t.Error("the context goes on after the server")
	}
}

func TestRunOfACancelledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := scratch.Run(ctx, func(context.Context, *apiserver.Server) error {
		t.Error("the function was called")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
