// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"syscall"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/controller"
	"tilt.dev/session/pkg/host"
	"tilt.dev/session/pkg/session"
)

// exitBySignal is added to the number of a signal for the exit code, as shells do.
const exitBySignal = 128

// signalled is the error of a run that a signal has ended. That's how up ends; ci should have reached a verdict.
func (o *options) signalled(s *host.SignalError) error {
	if o.exitCondition == v1alpha1.ExitConditionManual {
		return nil
	}
	number, ok := s.Signal.(syscall.Signal)
	if !ok {
		number = syscall.SIGINT
	}
	return command.WithCode(exitBySignal+int(number), "ended by a signal before the verdict: %v", s.Signal)
}

// verdict is the error of a run that has ended. Deletion ends up as a signal does; ci
// should have reached a verdict.
func (o *options) verdict(end controller.Outcome) error {
	switch {
	case !end.Deleted:
		return verdictError(end.Session.Status)
	case o.exitCondition == v1alpha1.ExitConditionManual:
		return nil
	}
	return command.WithCode(command.ExitFailure, "Session was deleted")
}

// verdictError is the error of a Session with a verdict, nil if it succeeded.
func verdictError(status v1alpha1.SessionStatus) error {
	switch session.VerdictOf(status) {
	case session.Succeeded:
		return nil
	case session.TiltfileFailed:
		return command.WithCode(command.ExitUsage, "%s", status.Error)
	case session.Timeout, session.ReadinessTimeout:
		return command.WithCode(command.ExitTimeout, "%s", status.Error)
	}
	if failures := session.Failures(status); len(failures) > 0 && failures[0].State.Terminated.Error == status.Error {
		return command.WithCode(command.ExitFailure, "%s: %s", failures[0].Name, status.Error)
	}
	return command.WithCode(command.ExitFailure, "%s", status.Error)
}
