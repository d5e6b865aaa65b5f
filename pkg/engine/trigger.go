// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "tilt.dev/session/pkg/model"

// trigger requests another update of each named resource.
func (l *loop) trigger(names []string) error {
	for _, name := range names {
		r := l.byName[name]
		switch {
		case name == model.TiltfileResource:
		case r == nil:
			return &UnknownError{name}
		case r.disabled:
			return &DisabledError{name}
		}
	}
	for _, name := range names {
		if name == model.TiltfileResource {
			l.tiltfile.triggered = true
			l.wantEvaluation()
			continue
		}
		r := l.byName[name]
		if r.wants.trigger == 0 {
			l.triggers++
			r.wants.trigger = l.triggers
		}
		l.publishPhase(r)
		l.refresh(r)
	}
	return nil
}
