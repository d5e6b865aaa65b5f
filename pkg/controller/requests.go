// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	registry "tilt.dev/session/pkg/registry/session"
)

// Requests is what can be asked of a run, also before it has begun and after
// its end. See engine.Engine for what each method does.
type Requests interface {
	Trigger(ctx context.Context, names []string) error
	Enable(ctx context.Context, selected engine.Selector, only bool) (changed []string, err error)
	Disable(ctx context.Context, selected engine.Selector) (changed []string, err error)
	SetArgs(ctx context.Context, args []string) (changed bool, err error)
	// Snapshot is never nil.
	Snapshot() *engine.Snapshot
	// Logs has what everything of the run has written. It's closed when
	// nothing more of that is to be shown.
	Logs() *logs.Store
}

// requested asks a run for what an API server was asked for, and tells errors
// as those of the API.
type requested struct {
	session string
	run     Requests
	now     func() time.Time
}

var _ registry.Run = (*requested)(nil)

// Trigger implements registry.Resources.
func (r *requested) Trigger(ctx context.Context, spec *v1alpha1.SessionTriggerSpec, dryRun bool) (v1alpha1.SessionTriggerStatus, error) {
	names := distinct(spec.Resources)
	var err error
	if dryRun {
		err = tryTrigger(r.run.Snapshot(), names)
	} else {
		err = r.run.Trigger(ctx, names)
	}
	if err != nil {
		return v1alpha1.SessionTriggerStatus{}, r.triggerError(err)
	}
	return v1alpha1.SessionTriggerStatus{Resources: names}, nil
}

// Enable implements registry.Resources.
func (r *requested) Enable(ctx context.Context, spec *v1alpha1.SessionEnableSpec, dryRun bool) (v1alpha1.SessionEnableStatus, error) {
	selected := engine.Selector{Names: distinct(spec.Resources), Labels: spec.Labels, All: spec.All}
	var changed []string
	var err error
	if dryRun {
		changed, err = tryEnable(r.run.Snapshot(), selected, spec.Only)
	} else {
		changed, err = r.run.Enable(ctx, selected, spec.Only)
	}
	if err != nil {
		return v1alpha1.SessionEnableStatus{}, r.error(err)
	}
	return v1alpha1.SessionEnableStatus{Resources: notNil(changed)}, nil
}

// Disable implements registry.Resources.
func (r *requested) Disable(ctx context.Context, spec *v1alpha1.SessionDisableSpec, dryRun bool) (v1alpha1.SessionDisableStatus, error) {
	selected := engine.Selector{Names: distinct(spec.Resources), Labels: spec.Labels, All: spec.All}
	var changed []string
	var err error
	if dryRun {
		changed, err = tryDisable(r.run.Snapshot(), selected)
	} else {
		changed, err = r.run.Disable(ctx, selected)
	}
	if err != nil {
		return v1alpha1.SessionDisableStatus{}, r.error(err)
	}
	return v1alpha1.SessionDisableStatus{Resources: notNil(changed)}, nil
}

// distinct keeps the first of equal names, of which a client may send as many as
// fit into a request.
func distinct(names []string) []string {
	var kept []string
	known := make(map[string]bool, len(names))
	for _, name := range names {
		if !known[name] {
			known[name] = true
			kept = append(kept, name)
		}
	}
	return kept
}

// notNil makes an answer's list one that JSON has as a list.
func notNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
