// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"time"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/engine"
)

// Waiting is the status of a Session that isn't run before another one has
// ended.
func Waiting(current *v1alpha1.Session, now time.Time) v1alpha1.SessionStatus {
	status, _ := Status(&engine.Snapshot{}, current, now)
	if !status.Done {
		status.Targets[0].State = waiting(v1alpha1.WaitReasonSessionSlot)
	}
	return status
}
