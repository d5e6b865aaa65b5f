// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"slices"
)

// trigger asks for one more update of each of the named resources.
func (l *loop) trigger(names []string) error {
	triggered := make([]*resource, len(names))
	for i, name := range names {
		j := slices.IndexFunc(l.resources, func(r *resource) bool { return r.Name == name })
		switch {
		case j < 0:
			return &UnknownError{name}
		case l.resources[j].disabled:
			return &DisabledError{name}
		}
		triggered[i] = l.resources[j]
	}
	for _, r := range triggered {
		r.changed = true
		if r.task.update == updateRunning {
			r.again = true
			continue
		}
		r.task.update = updateQueued
	}
	return nil
}

func (l *loop) enable(selected Selector, only bool) ([]string, error) {
	return nil, errors.ErrUnsupported
}

func (l *loop) disable(selected Selector) ([]string, error) { return nil, errors.ErrUnsupported }

func (l *loop) setArgs(args []string) bool { return false }

func (l *loop) setTiltfile(path string) {}

func (s *TiltfileState) equal(other *TiltfileState) bool {
	return s.Path == other.Path && s.Pending == other.Pending && s.Running.Equal(other.Running) && s.Last == other.Last &&
		s.Evaluations == other.Evaluations && s.CI == other.CI && slices.Equal(s.Args, other.Args)
}
