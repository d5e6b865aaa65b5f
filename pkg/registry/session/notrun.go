// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package session

import (
	"errors"
	"fmt"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

var (
	errNotRun = errors.New("it isn't run by this server")
	errDone   = errors.New("it's done")
	// Logs go with the run.
	errForgotten = errors.New("it's done, and its run isn't in the memory of this server any more")
	errDeleted   = errors.New("it's being deleted, and isn't run any more")
	errWaits     = errors.New("it isn't run yet: as many Sessions are run as may be at once (--max-running), and it waits until one of them has ended")
)

// whyNotRun is why there's no run of a Session at present, as far as its status
// tells.
func whyNotRun(session *v1alpha1.Session) error {
	switch status := &session.Status; {
	case session.DeletionTimestamp != nil:
		return errDeleted
	case status.Done:
		return errForgotten
	case status.StartTime.IsZero():
		for i := range status.Targets {
			switch state := &status.Targets[i].State; {
			case state.Waiting != nil && state.Waiting.WaitReason == v1alpha1.WaitReasonSessionSlot:
				return errWaits
			case state.Terminated != nil && state.Terminated.Error != "":
				return fmt.Errorf("it isn't run because it can't be: %s", state.Terminated.Error)
			}
		}
	}
	return errNotRun
}
