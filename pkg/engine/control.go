// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// ErrEnded is returned by requests to an engine that has ended or is ending.
var ErrEnded = errors.New("the run has ended")

// ErrNotSwitchable is returned by requests to enable or disable the Tiltfile.
var ErrNotSwitchable = errors.New(model.TiltfileResource + " cannot be enabled or disabled")

// UnknownError is returned by requests for a resource that doesn't exist.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("no such resource %q", e.Name) }

// DisabledError is returned by requests for a disabled resource.
type DisabledError struct{ Name string }

func (e *DisabledError) Error() string {
	return fmt.Sprintf("resource %q is currently disabled", e.Name)
}

// Selector selects the resources of Names, those with one of Labels, or with All every resource.
type Selector struct {
	Names  []string
	Labels []string
	All    bool
}

// Trigger requests another update of each resource, and for model.TiltfileResource another evaluation of the Tiltfile.
// With an *UnknownError or a *DisabledError it triggers none of them. It returns when the loop has accepted the
// request, or when ctx is done.
func (e *Engine) Trigger(ctx context.Context, names []string) error {
	return e.ask(ctx, func(l *loop) error { return l.trigger(names) })
}

// Enable enables the selected resources, and with only disables all others. It returns the names of the resources
// that it changed. With an error it changes none.
func (e *Engine) Enable(ctx context.Context, selected Selector, only bool) (changed []string, err error) {
	return e.enable(ctx, selected, func(r *resource, selected bool) bool { return selected || !only && !r.disabled })
}

// Disable disables the selected resources and ends their processes. It returns
// the names of the resources that it changed. With an error it changes none.
func (e *Engine) Disable(ctx context.Context, selected Selector) (changed []string, err error) {
	return e.enable(ctx, selected, func(r *resource, selected bool) bool { return !selected && !r.disabled })
}

// SetArgs replaces the arguments of the Tiltfile. If they differ, the Tiltfile is evaluated again, and changed is true.
func (e *Engine) SetArgs(ctx context.Context, args []string) (changed bool, err error) {
	err = e.ask(ctx, func(l *loop) error {
		changed = l.setArgs(args)
		return nil
	})
	return changed, err
}

// CatchUp returns when the snapshot shows the end of every activity that ended
// before the call, except for those that are being stopped.
func (e *Engine) CatchUp(ctx context.Context) error {
	var ends []<-chan struct{}
	err := e.ask(ctx, func(l *loop) error {
		for x := range l.executions {
			if x.activity != nil && !x.stopped && x.activity.Ending() {
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
	// The answer to another request follows the snapshot that shows these ends.
	return e.ask(ctx, func(*loop) error { return nil })
}

// SetTiltfile replaces the path of the Tiltfile and evaluates that file.
func (e *Engine) SetTiltfile(ctx context.Context, path string) error {
	return e.ask(ctx, func(l *loop) error {
		l.setTiltfile(path)
		return nil
	})
}

// enable enables or disables each resource as enabled says, and returns the names of the changed ones.
func (e *Engine) enable(
	ctx context.Context, s Selector, enabled func(r *resource, selected bool) bool,
) (changed []string, err error) {
	err = e.ask(ctx, func(l *loop) error {
		changed, err = l.enableAll(s, enabled)
		return err
	})
	return changed, err
}

func (l *loop) enableAll(s Selector, enabled func(r *resource, selected bool) bool) (changed []string, err error) {
	for _, name := range s.Names {
		switch {
		case name == model.TiltfileResource:
			return nil, ErrNotSwitchable
		case l.byName[name] == nil:
			return nil, &UnknownError{name}
		}
	}
	for _, r := range l.resources {
		if r.image {
			continue
		}
		l.publishPhase(r)
		if l.enable(r, enabled(r, s.selects(r))) {
			if !r.disabled {
				l.watchFiles(r, l.config.Clock.Now())
			}
			changed = append(changed, r.Name)
		}
	}
	return changed, nil
}

func (s *Selector) selects(r *resource) bool {
	return s.All || slices.Contains(s.Names, r.Name) ||
		slices.ContainsFunc(r.Labels, func(label string) bool { return slices.Contains(s.Labels, label) })
}

// enable enables or disables a resource and reports whether that was a change. An
// enabled resource starts over. The caller watches its files.
func (l *loop) enable(r *resource, enabled bool) bool {
	if enabled != r.disabled {
		return false
	}
	r.disabled = !enabled
	verb := "disabled"
	if enabled {
		verb = "enabled"
	}
	text := fmt.Sprintf("Resource %q %s", r.Name, verb)
	if !enabled && r.Runtime != nil && r.Runtime.Outlives() {
		text += fmt.Sprintf("; what it has deployed goes on, and `tilt-session down %s` removes it", r.Name)
	}
	l.log(r.Name, logs.LevelInfo, text)
	l.reset(r)
	if !enabled && l.config.Disabled != nil {
		l.config.Disabled(r.Resource)
	}
	l.release(r)
	l.refresh(r)
	return true
}

// trigger requests another update of each named resource.
func (l *loop) trigger(names []string) error {
	for _, name := range names {
		r := l.byName[name]
		switch {
		case name == model.TiltfileResource:
		case r == nil:
			return &UnknownError{name}
		case r.disabled:
			return &DisabledError{name}
		}
	}
	for _, name := range names {
		if name == model.TiltfileResource {
			l.tiltfile.triggered = true
			l.wantEvaluation()
			continue
		}
		r := l.byName[name]
		l.want(r)
		if !r.onlyLive() {
			l.wantImages(r)
		}
	}
	return nil
}

// want requests another update of a resource or an image.
func (l *loop) want(r *resource) {
	if r.wants.trigger == 0 {
		l.triggers++
		r.wants.trigger = l.triggers
	}
	l.publishPhase(r)
	l.refresh(r)
}
