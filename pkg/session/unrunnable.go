// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// Unrunnable says why a server of many Sessions can't run this one as it is,
// nil if it can try.
func Unrunnable(s *v1alpha1.Session) error {
	var relative error
	if path := s.Spec.TiltfilePath; !filepath.IsAbs(path) {
		relative = fmt.Errorf("spec.tiltfilePath: %q is relative, and the server doesn't know to which directory: use an absolute path", path)
	}
	_, err := Args(s)
	return errors.Join(relative, err)
}

// Refused is snap with a Tiltfile whose evaluation has failed with err at that
// moment, as if what's wrong with the Session were wrong with its Tiltfile.
func Refused(snap *engine.Snapshot, err error, at time.Time) *engine.Snapshot {
	refused := *snap
	refused.Tiltfile.Pending, refused.Tiltfile.Running = false, time.Time{}
	refused.Tiltfile.Last = &engine.Exit{Start: at, Finish: at, Error: err.Error()}
	return &refused
}

// Refusal is the status of a Session that isn't run because of err: a ci
// Session has failed, a manual one waits for a change of what's wrong.
func Refusal(current *v1alpha1.Session, err error, now time.Time) v1alpha1.SessionStatus {
	refused := Refused(&engine.Snapshot{}, err, refusedAt(&current.Status, err, now))
	status, _ := Status(refused, current, now)
	return status
}

// refusedAt is when a Session was first refused because of err.
func refusedAt(status *v1alpha1.SessionStatus, err error, now time.Time) time.Time {
	for i := range status.Targets {
		t := &status.Targets[i]
		if end := t.State.Terminated; end != nil && end.Error == logged(err.Error()) && slices.Equal(t.Resources, []string{model.TiltfileResource}) {
			return end.FinishTime.Time
		}
	}
	return now
}
