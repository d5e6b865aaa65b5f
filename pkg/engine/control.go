// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"

	"tilt.dev/session/pkg/model"
)

// ErrEnded is returned by requests to an engine that has ended or is ending.
var ErrEnded = errors.New("the run has ended")

// ErrNotSwitchable is returned when the Tiltfile is to be enabled or disabled.
var ErrNotSwitchable = errors.New(model.TiltfileResource + " cannot be enabled or disabled")

// UnknownError is a request for a resource that doesn't exist.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("no such resource %q", e.Name) }

// DisabledError is a request for a resource that's disabled.
type DisabledError struct{ Name string }

func (e *DisabledError) Error() string {
	return fmt.Sprintf("resource %q is currently disabled", e.Name)
}

// Selector names resources: those of Names, those that have one of Labels, or
// with All every one.
type Selector struct {
	Names  []string
	Labels []string
	All    bool
}

// Trigger asks for one more execution of each resource, model.TiltfileResource
// for another evaluation of the Tiltfile. Either all of them are triggered, or
// with an *UnknownError or a *DisabledError none is. It returns when the
// request was accepted, which doesn't take longer than ctx.
func (e *Engine) Trigger(ctx context.Context, names []string) error {
	return e.ask(ctx, func(l *loop) error { return l.trigger(names) })
}

// Enable enables the selected resources, and with only disables all others. It
// returns the names of those that it changed. With an error nothing has changed.
func (e *Engine) Enable(ctx context.Context, selected Selector, only bool) (changed []string, err error) {
	err = e.ask(ctx, func(l *loop) error {
		changed, err = l.enableSelected(selected, only)
		return err
	})
	return changed, err
}

// Disable disables the selected resources: what runs of them is ended. It
// returns the names of those that it changed. With an error nothing has changed.
func (e *Engine) Disable(ctx context.Context, selected Selector) (changed []string, err error) {
	err = e.ask(ctx, func(l *loop) error {
		changed, err = l.disableSelected(selected)
		return err
	})
	return changed, err
}

// SetArgs replaces the arguments of the Tiltfile, which is evaluated again if
// they're others. It reports whether they were.
func (e *Engine) SetArgs(ctx context.Context, args []string) (changed bool, err error) {
	err = e.ask(ctx, func(l *loop) error {
		changed = l.setArgs(args)
		return nil
	})
	return changed, err
}

// CatchUp returns when the snapshot shows every end of a process that has come
// before the call, but for those of processes that are being stopped.
func (e *Engine) CatchUp(ctx context.Context) error {
	var ends []<-chan struct{}
	err := e.ask(ctx, func(l *loop) error {
		for x := range l.executions {
			if x.process != nil && !x.stopped && x.process.Exited() {
				ends = append(ends, x.over)
			}
		}
		return nil
	})
	if err != nil || len(ends) == 0 {
		return err
	}
	for _, end := range ends {
		select {
		case <-end:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// The answer to another request follows the snapshot that shows them.
	return e.ask(ctx, func(*loop) error { return nil })
}

// Args returns the arguments of the Tiltfile.
func (e *Engine) Args() []string { return e.Snapshot().Tiltfile.Args }

// SetTiltfile has another Tiltfile evaluated in place of the one so far.
func (e *Engine) SetTiltfile(ctx context.Context, path string) error {
	return e.ask(ctx, func(l *loop) error {
		l.setTiltfile(path)
		return nil
	})
}
