// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "time"

// Defaults of a Tiltfile's settings.
const (
	DefaultMaxParallelUpdates = 3
	DefaultTimeout            = 30 * time.Minute
	DefaultReadinessTimeout   = 5 * time.Minute
)

// Project is the result of one evaluation of a Tiltfile.
type Project struct {
	// Resources are in the order of their definition.
	Resources []Resource
	// Enabled are the resources that start enabled, with their dependencies.
	Enabled Selection

	// Companions are in the order of their definition.
	Companions []Companion

	// MaxParallelUpdates is how many jobs may run at once, at least 1.
	MaxParallelUpdates int
	// CI has the settings of ci_settings(), nil if the Tiltfile couldn't be read.
	CI *CISettings
	// Environ are the changes that os.putenv and os.unsetenv made: a nil value removes the variable. They apply to
	// every command of the run.
	Environ map[string]*string

	// Inputs are the absolute paths that the result depends on, missing files included. They are set after a failure
	// as well.
	Inputs []string
	// Ignores are exceptions from everything that is watched: .tiltignore, watch_settings() and the like. They are
	// set after a failure as well.
	Ignores []IgnoreSet
}

// Selection is a set of resources.
type Selection struct {
	All   bool
	Names []string
}

// CISettings are the limits of a run that ends by itself. A field is nil if the Tiltfile doesn't set it.
type CISettings struct {
	Timeout          *time.Duration
	ReadinessTimeout *time.Duration
	K8sGracePeriod   *time.Duration
	// Settle is how long everything must have been ready before the run has succeeded.
	Settle *time.Duration
}
