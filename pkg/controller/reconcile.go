// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// reconcile takes one Session a step further. An error means that it has to be repeated.
func (c *Controller) reconcile(ctx context.Context, name string) error {
	stored, err := c.sessions.Get(name)
	switch {
	case apierrors.IsNotFound(err):
		stored = nil
	case err != nil:
		return err
	}
	r := c.runs.get(name)
	switch {
	case r == nil && stored == nil:
		return nil
	case r == nil:
		return c.reconcileIdle(ctx, stored)
	}
	if stored != nil && stored.UID != r.uid {
		stored = nil // A new Session has the name now. It runs after the end of this one.
	}
	deleted := stored == nil || stored.DeletionTimestamp != nil
	switch {
	case r.ending && r.isOver():
		return c.forget(ctx, r, stored)
	case r.ending && stored != nil && deleted:
		return c.showEnding(ctx, stored)
	case r.ending:
		return nil
	case deleted:
		c.finish(r, c.deletion(r))
		return nil
	}
	if newer(stored, r.session) {
		r.session = stored // The watch may not have seen yet what was written here.
	}
	switch {
	case r.concluded && r.isDelivered():
		c.finish(r, c.outcome(r))
		return nil
	case r.concluded:
		return nil
	case r.isOver():
		return c.fail(ctx, r)
	}
	return c.advance(ctx, r)
}

// advance applies what has changed in the Session to its run, and publishes what has changed in the run. An error
// of the storage does not keep a run from its verdict.
func (c *Controller) advance(ctx context.Context, r *run) error {
	notHeld := c.holdAgain(ctx, r)
	if outdated(notHeld) {
		return notHeld
	}
	r.refusal.set(session.Unrunnable(r.session), c.config.Clock.Now())
	if r.refusal.err == nil {
		if err := r.follow(ctx); err != nil {
			return err
		}
	}
	return errors.Join(notHeld, c.publish(ctx, r))
}

// follow applies the spec to the run.
func (r *run) follow(ctx context.Context) error {
	spec := &r.session.Spec
	if want := session.FailFast(r.session); want != r.failFast {
		r.control.SetFailFast(want)
		r.failFast = want
	}
	if path := filepath.Clean(spec.TiltfilePath); path != r.tiltfile {
		if err := r.control.SetTiltfile(ctx, path); err != nil {
			return fmt.Errorf("change the Tiltfile to %s: %w", path, err)
		}
		r.tiltfile = path
	}
	if !slices.Equal(spec.Args, r.args) {
		if _, err := r.control.SetArgs(ctx, spec.Args); err != nil {
			return fmt.Errorf("change the arguments of the Tiltfile: %w", err)
		}
		r.args = spec.Args
	}
	return nil
}

// newer reports whether a was stored after b.
func newer(a, b *v1alpha1.Session) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err != nil || order > 0
}
