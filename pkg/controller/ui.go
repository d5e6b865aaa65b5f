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

// named is a run with the name of its Session.
type named struct {
	name string
	run  Requests
	snap *engine.Snapshot
}

// list returns all runs, the one that began first first.
func (r *Running) list() []named {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]named, 0, len(r.byName))
	for name, run := range r.byName {
		list = append(list, named{name, run, run.Snapshot()})
	}
	slices.SortFunc(list, func(a, b named) int {
		return cmp.Or(a.snap.StartTime.Compare(b.snap.StartTime), strings.Compare(a.name, b.name))
	})
	return list
}

// Project implements registry.Source. An object whose name another Session's object has already isn't there; the log
// of the later Session says so.
func (r *Running) Project(
	previous func(string) *v1alpha1.UIResource,
) (resources []*v1alpha1.UIResource, buttons []*v1alpha1.UIButton) {
	now := r.now()
	resourceOwners, buttonOwners := map[string]string{}, map[string]string{}
	for _, n := range r.list() {
		p := uiresource.Projection{Session: n.name, Qualified: r.Many, Redact: n.run.Logs().Redacted}
		for _, object := range p.Resources(n.snap, previous, now) {
			if r.claim(n, resourceOwners, "uiresource", object.Name, object.Annotations[v1alpha1.UIName]) {
				resources = append(resources, object)
			}
		}
		for _, object := range p.Buttons(n.snap) {
			if r.claim(n, buttonOwners, "uibutton", object.Name, object.Annotations[v1alpha1.UIName]) {
				buttons = append(buttons, object)
			}
		}
	}
	return resources, buttons
}

// claim gives a name to an object of a Session, or reports, once for a run, that another object has it.
func (r *Running) claim(n named, owners map[string]string, kind, name, of string) bool {
	owner, taken := owners[name]
	if !taken {
		owners[name] = fmt.Sprintf("%q of Session %q", of, n.name)
		return true
	}
	message := fmt.Sprintf("%q isn't shown as %s %q, because %s has that name", of, kind, name, owner)
	if r.collides(n, message) {
		n.run.Logs().Append(model.TiltfileResource, logs.LevelWarn, message)
	}
	return false
}

// collides reports whether a collision is new to a run that is still in the table.
func (r *Running) collides(n named, message string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byName[n.name] != n.run || r.collisions[n.run][message] {
		return false
	}
	if r.collisions[n.run] == nil {
		r.collisions[n.run] = map[string]bool{}
	}
	r.collisions[n.run][message] = true
	return true
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
