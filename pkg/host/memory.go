// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"runtime/debug"
)

// How much the heap may grow between two garbage collections, in percent.
const (
	// StartPercent is for the start of a run, when the heap grows from nothing to
	// some 15 MB that stay: collections would take a fifth of that time.
	StartPercent = 400
	// RunPercent is for the rest of a run. It's Go's default.
	RunPercent = 100
	// ServePercent is for a server, whose heap is mostly what's stored.
	ServePercent = 75
)

// SetGCPercent sets the percentage unless the user has set it by GOGC.
func SetGCPercent(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
