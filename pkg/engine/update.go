// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "tilt.dev/session/pkg/logs"

// beginUpdate starts the job of a resource. Without one the update has
// succeeded at once.
func (l *loop) beginUpdate(r *resource) {
	r.changed = true
	header := "\nInitial Build"
	if !r.task.job {
		l.log(r.Name, logs.LevelInfo, header)
		l.updateSucceeded(r)
		return
	}
	l.log(r.Name, logs.LevelInfo, header+"\nRunning cmd: "+r.updateCommand)
	r.task.update = updateRunning
	r.update = l.execute(r, r.Update)
}

// updateEnded records how a job has ended.
func (l *loop) updateEnded(r *resource, end ended) {
	r.lastUpdate = updateExit(r.updateCommand, r.update.start, end)
	r.update = nil
	r.changed = true
	if err := r.lastUpdate.Error; err != "" {
		l.log(r.Name, logs.LevelError, "Build Failed: "+err)
		r.task.update = updateFailed
	} else {
		l.updateSucceeded(r)
	}
	if r.again {
		r.again = false
		r.task.update = updateQueued
	}
}

// updateSucceeded has the server of a resource launched, or replaced.
func (l *loop) updateSucceeded(r *resource) {
	r.task.update = updateSucceeded
	switch {
	case !r.task.server:
		l.meet(r)
	case r.serve == nil:
		r.task.serve = serveQueued
	case r.process != nil:
		r.process = &ServerProcess{PID: r.process.PID}
		r.replaced = true
		r.serve.process.Stop(l.grace)
	}
}

// meet lets those go on that wait for r to have been ready or to have
// succeeded once.
func (l *loop) meet(r *resource) {
	if r.met {
		return
	}
	r.met = true
	for _, dependent := range r.dependents {
		dependent.task.unmet--
	}
}
