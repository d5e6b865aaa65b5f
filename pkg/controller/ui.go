// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	registry "tilt.dev/session/pkg/registry/uiresource"
	"tilt.dev/session/pkg/session/uiresource"
)

var _ registry.Source = (*Running)(nil)

// changed notes that a run has published a snapshot. It does not block.
func (r *Running) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.announce()
}

// announce counts a change. The caller holds mu.
func (r *Running) announce() {
	r.version++
	if r.next != nil {
		close(r.next)
		r.next = nil
	}
}

// Version implements registry.Source.
func (r *Running) Version() (uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = make(chan struct{})
	}
	return r.version, r.next
}

// projection is what Project has made of a run.
type projection struct {
	name string
	run  Requests
	// resources and buttons are those of snap, which is nil before the first call.
	snap      *engine.Snapshot
	resources []*v1alpha1.UIResource
	buttons   []*v1alpha1.UIButton
	// collisions are those that the log of the run has already.
	collisions map[string]bool
}

// projections returns those of all runs, the one that began first first.
func (r *Running) projections() []*projection {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*projection, 0, len(r.byName))
	for name, run := range r.byName {
		p := r.shown[run]
		if p == nil {
			p = &projection{name: name, run: run, collisions: map[string]bool{}}
			r.shown[run] = p
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *projection) int {
		began, other := a.run.Snapshot().StartTime, b.run.Snapshot().StartTime
		return cmp.Or(began.Compare(other), strings.Compare(a.name, b.name))
	})
	return list
}

// Project implements registry.Source. A run that has published nothing new isn't projected again. An object whose name
// another Session's object has already isn't there; the log of the later Session says so.
func (r *Running) Project(
	previous func(string) *v1alpha1.UIResource,
) (resources []*v1alpha1.UIResource, buttons []*v1alpha1.UIButton) {
	now := r.now()
	resourceOwners, buttonOwners := map[string]string{}, map[string]string{}
	for _, shown := range r.projections() {
		if snap := shown.run.Snapshot(); snap != shown.snap {
			p := uiresource.Projection{Session: shown.name, Qualified: r.Many, Redact: shown.run.Logs().Redacted}
			shown.snap, shown.resources, shown.buttons = snap, p.Resources(snap, previous, now), p.Buttons(snap)
		}
		for _, object := range shown.resources {
			if shown.claim(resourceOwners, "uiresource", object.Name, object.Annotations[v1alpha1.UIName]) {
				resources = append(resources, object)
			}
		}
		for _, object := range shown.buttons {
			if shown.claim(buttonOwners, "uibutton", object.Name, object.Annotations[v1alpha1.UIName]) {
				buttons = append(buttons, object)
			}
		}
	}
	return resources, buttons
}

// claim gives a name to an object of the run, or reports, once, that another object has it.
func (p *projection) claim(owners map[string]string, kind, name, of string) bool {
	owner, taken := owners[name]
	if !taken {
		owners[name] = fmt.Sprintf("%q of Session %q", of, p.name)
		return true
	}
	message := fmt.Sprintf("%q isn't shown as %s %q, because %s has that name", of, kind, name, owner)
	if !p.collisions[message] {
		p.collisions[message] = true
		p.run.Logs().Append(model.TiltfileResource, logs.LevelWarn, message)
	}
	return false
}

// Press implements registry.Source.
func (r *Running) Press(ctx context.Context, button *v1alpha1.UIButton) error {
	r.mu.Lock()
	run := r.byName[button.Annotations[v1alpha1.UISession]]
	r.mu.Unlock()
	resource := v1alpha1.Resource("uibuttons")
	if run == nil {
		return apierrors.NewConflict(resource, button.Name, errors.New("its Session isn't run any more"))
	}
	err := run.Press(ctx, button.Annotations[v1alpha1.UIName], uiresource.Inputs(button))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, engine.ErrEnded), errors.Is(err, engine.ErrNoButton):
		return apierrors.NewConflict(resource, button.Name, err)
	case errors.Is(err, context.DeadlineExceeded):
		return apierrors.NewTimeoutError("the run of the button's Session did not answer in time", 1)
	default:
		return apierrors.NewInternalError(fmt.Errorf("press button %q: %w", button.Name, err))
	}
}
