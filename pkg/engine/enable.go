// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// enableSelected enables the selected resources and, with only, disables the rest.
func (l *loop) enableSelected(selected Selector, only bool) (changed []string, err error) {
	return l.switchAll(selected, func(r *resource, selected bool) bool {
		return selected || !only && !r.disabled
	})
}

// disableSelected disables the selected resources.
func (l *loop) disableSelected(selected Selector) (changed []string, err error) {
	return l.switchAll(selected, func(r *resource, selected bool) bool {
		return !selected && !r.disabled
	})
}

// switchAll enables or disables each resource as enabled says, and returns the names of the changed ones.
func (l *loop) switchAll(s Selector, enabled func(r *resource, selected bool) bool) (changed []string, err error) {
	for _, name := range s.Names {
		switch {
		case name == model.TiltfileResource:
			return nil, ErrNotSwitchable
		case l.byName[name] == nil:
			return nil, &UnknownError{name}
		}
	}
	for _, r := range l.resources {
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
	if enabled {
		l.log(r.Name, logs.LevelInfo, fmt.Sprintf("Resource %q enabled", r.Name))
		l.reset(r)
		l.refresh(r)
		return true
	}
	l.log(r.Name, logs.LevelInfo, fmt.Sprintf("Resource %q disabled", r.Name))
	l.reset(r)
	return true
}
