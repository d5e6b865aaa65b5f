// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/session"
)

// refusal is why a Session can't be run as it's stored now, and since when. The
// zero value is none.
type refusal struct {
	err   error
	since time.Time
}

// set notes what's wrong at present.
func (f *refusal) set(err error, now time.Time) {
	switch {
	case err == nil:
		*f = refusal{}
	case f.err == nil || f.err.Error() != err.Error():
		*f = refusal{err, now}
	}
}

// refuse is the snapshot as it's to be published: what's wrong shows as a failure
// of the Tiltfile.
func (f *refusal) refuse(snap *engine.Snapshot) *engine.Snapshot {
	if f.err == nil {
		return snap
	}
	return session.Refused(snap, f.err, f.since)
}
