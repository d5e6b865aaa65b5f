// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"

	"tilt.dev/session/pkg/logs"
)

// beginUpdate starts the job of a resource. Without one the update has
// succeeded at once.
func (l *loop) beginUpdate(_ context.Context, i int) {
	r := &l.resources[i]
	r.changed = true
	header := "\nInitial Build"
	if !l.tasks[i].job {
		l.log(r.Name, logs.LevelInfo, header)
		l.tasks[i].update = updateSucceeded
		return
	}
	l.log(r.Name, logs.LevelInfo, header+"\nRunning cmd: "+r.updateCommand)
	l.tasks[i].update = updateRunning
	r.update = l.execute(i, r.Update)
}

// updateEnded records how a job has ended.
func (l *loop) updateEnded(r *resource, end ended) {
	i := r.update.resource
	r.lastUpdate = updateExit(r.updateCommand, r.update.start, end)
	r.update = nil
	r.changed = true
	if err := r.lastUpdate.Error; err != "" {
		l.log(r.Name, logs.LevelError, "Build Failed: "+err)
		l.tasks[i].update = updateFailed
		return
	}
	l.tasks[i].update = updateSucceeded
	if !l.tasks[i].server {
		l.meet(r)
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
		l.tasks[dependent].unmet--
	}
}
