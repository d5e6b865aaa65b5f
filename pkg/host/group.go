// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package host composes a process of the two parts that tilt-session has: an API, which is a storage and an API
// server, and a runner, which is a controller and its engines.
//
// A process is an ordered group of parts. Steps of parts start in order, each when all parts of the step before it
// are ready; they stop in the opposite order, one at a time. A part that ends by itself ends the group, and so does
// the first signal. A later signal hurries the part that's being stopped.
//
// The package prints nothing: it passes messages for the user to functions of the caller.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// patience is how long a part may take to start or stop before a notice.
const patience = 1500 * time.Millisecond

// Part is a piece of a process.
type Part struct {
	// Name is what errors call the part.
	Name string
	// Run works until ctx is done, and has released everything that it acquired
	// when it returns. It calls ready when the next step may start.
	Run func(ctx context.Context, ready func()) error
	// Hurry, if set, makes Run return soon after its ctx is done. It's called from
	// another goroutine than Run, at any time.
	Hurry func()
	// Patience, if set, is the notice for a part that takes long to stop.
	Patience string
}

// Group runs the parts of a process.
type Group struct {
	// Signals are those that ask the process to end.
	Signals <-chan os.Signal
	// Notice receives messages for the user. It isn't called concurrently.
	Notice func(string)
}

// SignalError is the error of a group that a signal has ended.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "ended by a signal: " + e.Signal.String() }

// APIError is the error of an API that can't be served.
type APIError struct{ err error }

func (e *APIError) Error() string { return e.err.Error() }
func (e *APIError) Unwrap() error { return e.err }

func apiError(format string, args ...any) error {
	return &APIError{fmt.Errorf(format, args...)}
}

// Run starts the parts, calls client, and stops the parts when client has returned. The context of client is done
// at the first signal and at the first failure of a part; its cause says which. Without a call of client, err is
// the same cause. late is what went wrong while the parts were being stopped.
func (g *Group) Run(ctx context.Context, steps [][]Part, client func(context.Context) error) (err, late error) {
	ctx, end := context.WithCancelCause(ctx)
	fail := func(err error) (first bool) {
		end(err)
		return errors.Is(context.Cause(ctx), err)
	}
	var first sync.WaitGroup
	first.Go(func() {
		select {
		case signal := <-g.Signals:
			end(&SignalError{signal})
		case <-ctx.Done():
		}
	})
	var parts []*running
	for _, step := range steps {
		begin := len(parts)
		for _, part := range step {
			parts = append(parts, start(ctx, part, fail))
		}
		if err = awaitReady(ctx, parts[begin:]); err != nil {
			break
		}
	}
	if err == nil {
		err = client(ctx)
	}
	end(nil)
	first.Wait() // From here on stopLast reads the signals.
	for ; len(parts) > 0; parts = parts[:len(parts)-1] {
		late = errors.Join(late, g.stopLast(parts))
	}
	return err, late
}

// awaitReady returns the cause of ctx if that's done before all parts are ready.
func awaitReady(ctx context.Context, parts []*running) error {
	for _, part := range parts {
		select {
		case <-part.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// running is a part with the goroutine that runs it.
type running struct {
	Part
	cancel      context.CancelFunc
	ready, done chan struct{}
	// late is the error of a part that was stopped, or that ended by itself after the group has, valid when done is
	// closed.
	late error
}

// start runs a part until it's stopped. It calls fail if the part ends before.
func start(ctx context.Context, part Part, fail func(error) (first bool)) *running {
	r := &running{Part: part, ready: make(chan struct{}), done: make(chan struct{})}
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(r.done)
		err := part.Run(ctx, sync.OnceFunc(func() { close(r.ready) }))
		switch {
		case ctx.Err() == nil:
			if err = r.failure(err); !fail(err) {
				r.late = err
			}
		case !canceled(err):
			r.late = err
		}
	}()
	return r
}

// canceled reports whether err says nothing but that a context was canceled.
func canceled(err error) bool {
	if joined := interface{ Unwrap() []error }(nil); errors.As(err, &joined) {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !canceled(err) })
	}
	return errors.Is(err, context.Canceled)
}

// failure is the error of a part that ended by itself.
func (r *running) failure(err error) error {
	select {
	case <-r.ready:
	default:
		if err != nil {
			return err
		}
	}
	if err == nil {
		return fmt.Errorf("the %s has stopped", r.Name)
	}
	return fmt.Errorf("the %s has stopped: %w", r.Name, err)
}

// stopLast stops the last of the parts and waits for its end. A signal hurries all of them.
func (g *Group) stopLast(parts []*running) error {
	last := parts[len(parts)-1]
	slow := time.NewTimer(patience)
	defer slow.Stop()
	last.cancel()
	for {
		select {
		case <-last.done:
			return last.late
		case <-slow.C:
			if last.Patience != "" {
				g.Notice(last.Patience)
			}
		case <-g.Signals:
			for _, part := range slices.Backward(parts) {
				if part.Hurry != nil {
					part.Hurry()
				}
			}
		}
	}
}

// How much the heap may grow between two garbage collections, in percent.
const (
	// StartPercent is for the start of a run, when the heap grows from nothing to
	// some 15 MB that stay: collections would take a fifth of that time.
	StartPercent = 400
	// RunPercent is for the rest of a run. It's Go's default.
	RunPercent = 100
	// ServePercent is for a server, whose heap is mostly what's stored.
	ServePercent = 75
)

// SetGCPercent sets the percentage unless the user has set it by GOGC.
func SetGCPercent(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
