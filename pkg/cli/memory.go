// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"runtime/debug"
)

// How much the heap may grow between two garbage collections, in percent.
const (
	// startPercent is for the start of a run, when the heap grows from nothing to
	// some 15 MB that stay: collections would take a fifth of that time.
	startPercent = 400
	// runPercent is for the rest of it. It's the default of Go.
	runPercent = 100
	// servePercent is for a server, whose heap is mostly what's stored.
	servePercent = 75
)

// setGCPercent sets the percentage unless the user has, by GOGC.
func setGCPercent(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
