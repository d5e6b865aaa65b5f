// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// watch reports changes of files to the loop.
type watch struct {
	files  model.Watch
	cancel context.CancelFunc
	// changed is called by the loop. It is nil once the watch was stopped.
	changed func([]model.Change)
}

// watching returns a watch of files: w if its files are the same, else a new one in
// its place, or nil if there are no files. It logs errors under source.
//
// A replaced watch drops what it has seen and not reported, so the new one must begin in the past.
func (l *loop) watching(w *watch, files model.Watch, source string, changed func([]model.Change)) *watch {
	if w != nil && slices.Equal(w.files.Paths, files.Paths) && model.SameIgnores(w.files.Ignores, files.Ignores) &&
		w.files.Quick == files.Quick {
		return w
	}
	w.stop()
	if l.config.Watch == nil || len(files.Paths) == 0 {
		return nil
	}
	started := &watch{files: files, changed: changed}
	ctx := l.inContext(&started.cancel)
	l.effect(func() {
		err := l.config.Watch(ctx, files, func(list []model.Change) {
			l.mailbox.put(filesChanged{started, list})
		})
		if err != nil && ctx.Err() == nil {
			l.log(source, logs.LevelWarn, "Files are not watched, so their changes have no effect: "+err.Error())
		}
	})
	return started
}

// stop ends a watch, which may be nil.
func (w *watch) stop() {
	if w != nil {
		w.cancel()
		w.changed = nil
	}
}

// filesChanged is a report of a watch.
type filesChanged struct {
	watch *watch
	list  []model.Change
}

func (m filesChanged) apply(l *loop) {
	if m.watch.changed != nil && !l.stopping {
		m.watch.changed(m.list)
	}
}

// watchFiles watches the files of a resource for changes since a time.
func (l *loop) watchFiles(r *resource, since time.Time) {
	files := model.Watch{
		Paths: r.Deps, Ignores: slices.Concat(r.Ignores, l.ignores), Since: since, Quick: len(r.takers) > 0,
	}
	if files.Since.Before(r.changes.start) {
		files.Since = r.changes.start
	}
	r.watch = l.watching(r.watch, files, r.Name, func(list []model.Change) {
		l.publishPhase(r)
		r.changes.add(list)
		if !r.changes.running() && (r.task.update != updateRetrying || r.changes.outside()) {
			l.considerChanges(r)
		}
	})
}

// considerChanges decides whether the noted changes lead to another update.
func (l *loop) considerChanges(r *resource) {
	if found := r.changes.dropOwn(); found != nil {
		l.log(r.Name, logs.LevelWarn, ownFiles(found, l.base())+fmt.Sprintf(
			"To have it run again all the same: tilt-session trigger %s", r.Name))
	}
	l.refresh(r)
}
