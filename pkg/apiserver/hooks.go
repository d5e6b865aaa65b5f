// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/client-go/rest"
)

// PostStartHook is called when the server takes requests, in a goroutine of its
// own. The server is ready once it has returned nil. What it leaves running
// ends with ctx, which is done as soon as Run is told to stop, and is for the
// caller to wait for. An error ends Run, which returns it.
type PostStartHook func(ctx context.Context, loopback *rest.Config) error

type postStartHook struct {
	name string
	run  PostStartHook
	// finished is closed when run has returned nil.
	finished chan struct{}
}

var _ healthz.HealthChecker = (*postStartHook)(nil)

var errNotFinished = errors.New("not finished")

// AddPostStartHook has Run call a hook. While it hasn't finished, /readyz fails by
// the check "poststarthook/" and its name; /livez doesn't, as a hook may wait for
// what a restart doesn't bring. It must not be called after Run.
func (s *Server) AddPostStartHook(name string, run PostStartHook) error {
	hook := &postStartHook{name: name, run: run, finished: make(chan struct{})}
	if err := s.generic.AddReadyzChecks(hook); err != nil {
		return fmt.Errorf("adding the hook %s: %w", name, err)
	}
	s.hooks = append(s.hooks, hook)
	return nil
}

// Name implements healthz.HealthChecker.
func (h *postStartHook) Name() string { return "poststarthook/" + h.name }

// Check implements healthz.HealthChecker.
func (h *postStartHook) Check(*http.Request) error {
	select {
	case <-h.finished:
		return nil
	default:
		return errNotFinished
	}
}

// runHooks runs all hooks and returns when they have. If none fails the server
// is ready, else fail is called.
func (s *Server) runHooks(ctx context.Context, fail context.CancelCauseFunc) {
	var running sync.WaitGroup
	for _, hook := range s.hooks {
		running.Go(func() {
			err := hook.run(ctx, s.LoopbackClientConfig())
			switch {
			case err == nil:
				close(hook.finished)
			case ctx.Err() == nil:
				fail(fmt.Errorf("starting %s: %w", hook.name, err))
			}
		})
	}
	running.Wait()
	if ctx.Err() == nil {
		close(s.ready)
	}
}

// awaitWatchCache is the hook that waits until watches can be served. They are
// refused while the cache reads what is stored, which takes milliseconds, or as long
// as the storage can't be reached.
func (s *Server) awaitWatchCache(ctx context.Context, _ *rest.Config) error {
	pause := wait.Backoff{Duration: time.Millisecond, Factor: 1.1, Steps: 60, Cap: 200 * time.Millisecond}
	return pause.DelayFunc().Until(ctx, true, false, func(context.Context) (bool, error) {
		return s.sessions.ReadinessCheck() == nil, nil
	})
}
