// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package watchlimit explains the errors of a system that has no means left to
// watch files.
//
// The system's own words mislead: Linux says "no space left on device" when the
// limit of inotify watches is reached. An explained error names the limit, its
// value and the command that raises it instead. It still wraps the system's error.
package watchlimit

// explained is an error of the system with a text that leads to its cause.
type explained struct {
	text string
	err  error
}

// Error returns the text.
func (e explained) Error() string { return e.text }

// Unwrap returns the error of the system.
func (e explained) Unwrap() error { return e.err }
