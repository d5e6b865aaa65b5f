// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/session"
)

// The exit codes of every command. Scripts rely on them, so they don't change.
const (
	ExitSuccess  = 0
	ExitFailure  = 1 // a target failed, or the API refused a request
	ExitUsage    = 2 // wrong flags or arguments, or an error in the Tiltfile
	ExitTimeout  = 3 // the overall or a readiness timeout has passed
	ExitAPI      = 4 // the API can't be served or reached
	exitBySignal = 128
)

const exitCodesHelp = `Exit codes:
  0    success; "up" ended by a signal
  1    a target failed, or the API refused a request
  2    wrong usage, or an error in the Tiltfile
  3    timed out, as a whole or waiting for a server to be ready
  4    the API can't be served or reached
  130  "ci" was interrupted (SIGINT); 143 on SIGTERM, 129 on SIGHUP`

// codedError is an error that decides the exit code. With an empty message
// everything has been said already.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

func withCode(code int, format string, args ...any) error {
	return &codedError{code: code, err: fmt.Errorf(format, args...)}
}

// ExitCode is the exit code for an error that Execute returned.
func ExitCode(err error) int {
	var coded *codedError
	switch {
	case err == nil:
		return ExitSuccess
	case errors.As(err, &coded):
		return coded.code
	default:
		return ExitFailure
	}
}

// signalError says that a signal ended a run that should have reached a verdict.
func signalError(sig os.Signal) error {
	code := exitBySignal + int(syscall.SIGINT)
	if n, ok := sig.(syscall.Signal); ok {
		code = exitBySignal + int(n)
	}
	return withCode(code, "ended by a signal before the verdict: %v", sig)
}

// verdictError is the error of a Session that's done, nil if it succeeded.
func verdictError(status v1alpha1.SessionStatus) error {
	switch session.VerdictOf(status) {
	case session.Succeeded:
		return nil
	case session.TiltfileFailed:
		return withCode(ExitUsage, "%s", status.Error)
	case session.Timeout, session.ReadinessTimeout:
		return withCode(ExitTimeout, "%s", status.Error)
	}
	if failures := session.Failures(status); len(failures) > 0 && failures[0].State.Terminated.Error == status.Error {
		return withCode(ExitFailure, "%s: %s", failures[0].Name, status.Error)
	}
	return withCode(ExitFailure, "%s", status.Error)
}
