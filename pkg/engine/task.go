// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "tilt.dev/session/pkg/model"

// task is all that deciding needs to know of a resource. The zero value is one
// that nobody has asked for.
type task struct {
	// job and server tell what the resource consists of. A resource without a
	// job still has an update, which succeeds the moment that it begins: it's
	// what orders servers among the jobs.
	job, server bool
	// serial is true for a job that runs alone.
	serial bool
	update updatePhase
	serve  servePhase
	// unmet counts the dependencies that have never been ready or succeeded.
	unmet int
}

// updatePhase is how far the update of a resource is.
type updatePhase uint8

const (
	updateIdle updatePhase = iota
	updateQueued
	updateRunning
	updateSucceeded
	updateFailed
)

// servePhase is how far the server of a resource is.
type servePhase uint8

const (
	serveIdle servePhase = iota
	// serveQueued is a server that's launched once its update has succeeded.
	serveQueued
	serveLaunching
	serveRunning
	serveExited
)

// newTask returns the task of a resource, queued if it's wanted.
func newTask(spec *model.Resource, wanted bool) task {
	t := task{
		job:    spec.Update != nil,
		server: spec.Serve != nil,
		serial: spec.Update != nil && !spec.AllowParallel,
	}
	if wanted {
		t.update = updateQueued
		if t.server {
			t.serve = serveQueued
		}
	}
	return t
}
