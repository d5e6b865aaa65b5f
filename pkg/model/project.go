// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"slices"
	"time"
)

// Defaults of a Tiltfile's settings.
const (
	DefaultMaxParallelUpdates = 3
	DefaultTimeout            = 30 * time.Minute
	DefaultReadinessTimeout   = 5 * time.Minute
	DefaultUpsertTimeout      = 30 * time.Second
)

// Project is the result of one evaluation of a Tiltfile.
type Project struct {
	// Resources are in the order of their definition.
	Resources []Resource
	// Enabled are the resources that start enabled, with their dependencies.
	Enabled Selection

	// Images are those that are built, in the order of their definition, but bases first.
	Images []Image

	// Companions are in the order of their definition.
	Companions []Companion
	// Buttons are in the order of their definition.
	Buttons []Button

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

// EnvironEntries are the changes of Environ as process.MergeEnv takes them: "KEY=value" entries, and "KEY" for a
// variable that is removed.
func (p *Project) EnvironEntries() []string {
	var entries []string
	for key, value := range p.Environ {
		if value != nil {
			key += "=" + *value
		}
		entries = append(entries, key)
	}
	slices.Sort(entries)
	return entries
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
