// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"
)

// ask has do called by the loop and returns its error.
func (e *Engine) ask(ctx context.Context, do func(*loop) error) error {
	return errors.ErrUnsupported
}

func (l *loop) trigger(names []string) error { return errors.ErrUnsupported }

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
