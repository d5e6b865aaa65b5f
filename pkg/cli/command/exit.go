// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"

	"tilt.dev/session/pkg/host"
)

// The exit codes of every command. Scripts rely on them, so they don't change.
const (
	ExitSuccess = 0
	ExitFailure = 1 // a target failed, or the API refused a request
	ExitUsage   = 2 // wrong flags or arguments, or an error in the Tiltfile
	ExitTimeout = 3 // the overall or a readiness timeout has passed
	ExitAPI     = 4 // the API can't be served or reached
)

// ExitCodesHelp is the part of a help text that lists the exit codes.
const ExitCodesHelp = `Exit codes:
  0    success; "up" ended by a signal
  1    a target failed, or the API refused a request
  2    wrong usage, or an error in the Tiltfile
  3    timed out, as a whole or waiting for a server to be ready
  4    the API can't be served or reached
  130  "ci" was interrupted (SIGINT); 143 on SIGTERM, 129 on SIGHUP`

// codedError is an error that decides the exit code. If err is nil, the message has been printed already.
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

// WithCode returns an error that decides the exit code.
func WithCode(code int, format string, args ...any) error {
	return &codedError{code: code, err: fmt.Errorf(format, args...)}
}

// ExitCode is the exit code for the error of a command.
func ExitCode(err error) int {
	if err == nil {
		return ExitSuccess
	}
	if coded := new(codedError); errors.As(err, &coded) {
		return coded.code
	}
	return ExitFailure
}

// WithoutMessage returns an error that decides the exit code and prints nothing.
func WithoutMessage(code int) error { return &codedError{code: code} }

// Failed returns an error with the exit code of what err says: of an API that can't be served or of a failure. It
// returns nil for nil, and an error with an exit code as it is.
func Failed(err error) error {
	var api *host.APIError
	switch {
	case err == nil || HasCode(err):
		return err
	case errors.As(err, &api):
		return WithCode(ExitAPI, "%w", err)
	default:
		return WithCode(ExitFailure, "%w", err)
	}
}

// HasCode reports whether an error decides the exit code.
func HasCode(err error) bool { return errors.As(err, new(*codedError)) }

// Printed is the result of a command that has printed its output.
func Printed(err error) error {
	if err != nil {
		return WithCode(ExitFailure, "print: %w", err)
	}
	return nil
}
