// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// reconcile does what's to be done for one Session. An error means that it
// has to be tried again.
func (c *Controller) reconcile(ctx context.Context, name string) error {
	seen, err := c.sessions.Get(name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if c.config.Durable {
		return c.sustain(ctx, name, seen)
	}
	r := c.runs.get(name)
	switch {
	case r == nil && seen != nil:
		return c.start(ctx, seen)
	case r == nil:
		return nil
	}

	// A request that has begun is completed even when the end has come: it's
	// short, and cutting it would leave open what became of it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestsTimeout)
	defer cancel()
	notRead := c.refresh(ctx, r, seen)
	if r.done {
		if c.arrived(r, seen) {
			c.deliver(r)
		}
		return nil
	}
	if err := r.follow(ctx); err != nil {
		return err
	}
	if err := r.followArgs(ctx); err != nil {
		return err
	}
	// What can't be read or written keeps no run from its verdict.
	return errors.Join(notRead, c.publish(ctx, r))
}

// refresh brings r.session up to date with what the watch has seen of it, nil
// if it's gone. What was written here may not have been seen yet.
func (c *Controller) refresh(ctx context.Context, r *run, seen *v1alpha1.Session) error {
	switch {
	case seen != nil && newer(seen, r.session):
		r.session, r.missing = seen, false
	case seen == nil && !r.missing:
		return c.reread(ctx, r)
	}
	return nil
}

// reread asks the server for r.session.
func (c *Controller) reread(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, c.writeTimeout(r))
	defer cancel()
	stored, err := c.client.Get(ctx, r.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		r.missing = true
	case err != nil:
		return fmt.Errorf("reading the Session again: %w", err)
	case c.config.Durable && stored.UID != r.uid:
		r.missing = true
	default:
		r.session, r.missing = stored, false
	}
	return nil
}

// reconsider handles an error of writing r.session: if it was changed or deleted
// meanwhile, everything is done again with what's stored now.
func (c *Controller) reconsider(ctx context.Context, r *run, err error) error {
	if !superseded(err) {
		return err
	}
	if err := c.reread(ctx, r); err != nil {
		return err
	}
	if r.superseded++; r.superseded < maxSuperseded {
		c.queue.Add(r.name)
	} else {
		c.queue.AddAfter(r.name, maxRetry/10)
	}
	return nil
}

// newer tells whether a was stored after b.
func newer(a, b *v1alpha1.Session) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err != nil || order > 0
}
