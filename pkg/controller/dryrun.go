// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// The functions below return what a request would change in a run that is in the state of a snapshot.

func tryTrigger(snap *engine.Snapshot, names []string) error {
	for _, name := range names {
		if name == model.TiltfileResource {
			continue
		}
		i := indexOf(snap, name)
		if i < 0 {
			return &engine.UnknownError{Name: name}
		}
		if snap.Resources[i].Disabled {
			return &engine.DisabledError{Name: name}
		}
	}
	return nil
}

func tryEnable(snap *engine.Snapshot, selected engine.Selector, only bool) (changed []string, err error) {
	return tryChange(snap, selected, func(selected, disabled bool) bool {
		return selected && disabled || only && !selected && !disabled
	})
}

func tryDisable(snap *engine.Snapshot, selected engine.Selector) (changed []string, err error) {
	return tryChange(snap, selected, func(selected, disabled bool) bool { return selected && !disabled })
}

// tryChange returns the names of the resources that change, in the order of their definition.
func tryChange(snap *engine.Snapshot, selected engine.Selector, changes func(selected, disabled bool) bool) ([]string, error) {
	for _, name := range selected.Names {
		switch {
		case name == model.TiltfileResource:
			return nil, engine.ErrNotSwitchable
		case indexOf(snap, name) < 0:
			return nil, &engine.UnknownError{Name: name}
		}
	}
	var changed []string
	for i := range snap.Resources {
		if r := &snap.Resources[i]; changes(selects(selected, r), r.Disabled) {
			changed = append(changed, r.Name)
		}
	}
	return changed, nil
}

func selects(selected engine.Selector, r *engine.ResourceState) bool {
	return selected.All || slices.Contains(selected.Names, r.Name) ||
		slices.ContainsFunc(selected.Labels, func(label string) bool { return slices.Contains(r.Labels, label) })
}

// indexOf is negative for a resource that doesn't exist.
func indexOf(snap *engine.Snapshot, name string) int {
	return slices.IndexFunc(snap.Resources, func(r engine.ResourceState) bool { return r.Name == name })
}
