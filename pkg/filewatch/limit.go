// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

// limitError is an error of the system with a text that names the limit, its value and the command that raises it.
// The system's own text misleads: Linux says "no space left on device" at the limit of inotify watches.
type limitError struct {
	text string
	err  error
}

func (e limitError) Error() string { return e.text }

func (e limitError) Unwrap() error { return e.err }
