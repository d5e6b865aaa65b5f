// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "time"

// Defaults of a Tiltfile that says nothing else.
const (
	DefaultMaxParallelUpdates = 3
	DefaultTimeout            = 30 * time.Minute
	DefaultReadinessTimeout   = 5 * time.Minute
)

// Project is all that one evaluation of a Tiltfile asks for.
type Project struct {
	// Resources are in the order of their definition.
	Resources []Resource
	// Enabled are the names of the resources that start enabled, including those that these depend on. All is true
	// when there's no choice.
	Enabled Selection

	// Companions are in the order of their definition.
	Companions []Companion

	// MaxParallelUpdates is how many jobs may run at once, at least 1.
	MaxParallelUpdates int
	// CI is what ci_settings left, nil when the Tiltfile wasn't executed at all because it couldn't be read.
	CI *CISettings
	// Environ are the changes that os.putenv and os.unsetenv made: a nil value removes the variable. They apply to
	// every command of the run.
	Environ map[string]*string

	// Inputs are the absolute paths that the evaluation read or asked to be watched, missing ones included. They're
	// set after a failure as well.
	Inputs []string
	// Ignores are exceptions from whatever is watched: .tiltignore, watch_settings and the like. They're set after a
	// failure as well.
	Ignores []IgnoreSet
}

// Selection is a set of resources.
type Selection struct {
	All   bool
	Names []string
}

// CISettings are the limits of a run that ends by itself. A nil field wasn't set by the Tiltfile.
type CISettings struct {
	Timeout          *time.Duration
	ReadinessTimeout *time.Duration
	K8sGracePeriod   *time.Duration
	// Settle is how long everything must have been ready before the run has succeeded.
	Settle *time.Duration
}
