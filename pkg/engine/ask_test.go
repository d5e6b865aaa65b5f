// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestRequestsToAnEngineThatDoesNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, projectOf(job("a")))
		e := New(Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := e.Trigger(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
			t.Errorf("not begun: %v", err)
		}
		w.run(Config{})
		w.want("a=active")
		w.stop()
		if err := w.engine.Trigger(w.t.Context(), []string{"a"}); !errors.Is(err, ErrEnded) {
			t.Errorf("ended: %v", err)
		}
	})
}

func TestRequestsThatWaitForTheRun(t *testing.T) {
	e := New(Config{})
	answers := make(chan error)
	go func() { answers <- e.Trigger(t.Context(), nil) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-answers; !errors.Is(err, ErrEnded) {
		t.Errorf("a request before a run that never began: %v", err)
	}
}
