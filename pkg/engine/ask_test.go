// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestTriggerOfJob(t *testing.T) {
	play(t, projectOf(job("a"), job("b")), func(w *world) {
		w.exit("a:update", 1)
		w.want("a=failed b=active")
		w.do(w.engine.Trigger(w.t.Context(), []string{"a", "b"}))
		w.want("a=waiting-for-local b=active")
		w.exit("b:update", 0)
		w.want("a=active b=waiting-for-local")
		w.exit("a:update", 0)
		w.want("a=ok b=active")
	})
}

func TestTriggerOfServer(t *testing.T) {
	play(t, projectOf(server("s")), func(w *world) {
		w.want("s:serve=ready")
		first := w.process("s:serve")
		w.do(w.engine.Trigger(w.t.Context(), []string{"s"}))
		w.want("s:serve=ready")
		if w.process("s:serve") == first {
			t.Error("the server was not replaced")
		}
	})
}

func TestRefusedTriggers(t *testing.T) {
	project := projectOf(job("a"), job("off"))
	project.Enabled.All = false
	project.Enabled.Names = []string{"a"}
	play(t, project, func(w *world) {
		w.exit("a:update", 0)
		var unknown *UnknownError
		if err := w.engine.Trigger(w.t.Context(), []string{"a", "nope"}); !errors.As(err, &unknown) || unknown.Name != "nope" {
			t.Errorf("unknown: %v", err)
		}
		var disabled *DisabledError
		if err := w.engine.Trigger(w.t.Context(), []string{"a", "off"}); !errors.As(err, &disabled) || disabled.Name != "off" {
			t.Errorf("disabled: %v", err)
		}
		w.want("a=ok off=disabled")
	})
}

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
