// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"k8s.io/client-go/tools/cache"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// line has a Session wait for a slot if it wants one. It's called with each
// state of each Session, in order, so that they wait in the order of their
// creation.
func (c *Controller) line(obj any) {
	if c.config.MaxRunning == 0 {
		return
	}
	s := obj.(*v1alpha1.Session)
	if s.DeletionTimestamp == nil && !s.Status.Done && c.config.Runs(s) && !c.interrupted(s) && session.Unrunnable(s) == nil {
		c.slots.join(s)
		return
	}
	c.enqueue(c.slots.leave(s.UID))
}

// leave is told of a Session that's gone.
func (c *Controller) leave(obj any) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	c.enqueue(c.slots.leave(obj.(*v1alpha1.Session).UID))
}

func (c *Controller) enqueue(names []string) {
	for _, name := range names {
		c.queue.Add(name)
	}
}
