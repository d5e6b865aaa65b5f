// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/model"
)

// watch is one call of Watch. It belongs to the goroutine of the call.
type watch struct {
	watcher *Watcher
	// since is when it began, by the clock of the file system.
	since   int64
	ignores ignores
	inbox   *inbox
	batch   batch
}

// Watch reports what changes, from selection.Since or else the moment of the call
// until ctx is done, and then returns nil. What's not reported by then is dropped.
// Batches are reported one after the other, by the caller's goroutine, so that a
// report that takes its time delays the next one and loses nothing.
//
// An error means that nothing is watched any more: a path or a pattern that can't be
// understood, a limit of the system, or ErrClosed. Of a directory that can't be read
// the logger of ctx is told.
func (w *Watcher) Watch(ctx context.Context, selection model.Watch, report func([]model.Change)) error {
	run := &watch{watcher: w, since: sinceWhen(selection.Since)}
	var err error
	if run.ignores, err = newIgnores(selection.Ignores); err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	var roots []*root
	for _, path := range selection.Paths {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("watch files: %q isn't an absolute path", path)
		}
		path = filepath.Clean(path)
		roots = append(roots, &root{
			watch: run, path: path, ignored: run.ignores.ignored(path), tree: map[string]map[string]struct{}{},
		})
	}
	run.inbox = w.newInbox()
	defer w.removeInbox(run.inbox)
	for _, r := range roots {
		defer r.end()
		if err := r.begin(ctx); err != nil {
			return endOf(ctx, err)
		}
	}
	return endOf(ctx, run.loop(ctx, report))
}

// tick is longer than the clock of a file system takes to go on.
const tick = 10 * time.Millisecond

// sinceWhen returns when a watch begins, by the clock of the file system.
func sinceWhen(asked time.Time) int64 {
	now := fileNow()
	if asked.IsZero() {
		return now
	}
	return min(now, asked.Add(-tick).UnixNano())
}

// endOf is what Watch returns: ctx is the way to end it, and no error.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// loop reports what the notices lead to.
func (run *watch) loop(ctx context.Context, report func([]model.Change)) error {
	var timer clock.Timer
	for {
		var due <-chan time.Time
		if !run.batch.empty() {
			wait := run.batch.due().Sub(run.watcher.clock.Now())
			if timer == nil {
				timer = run.watcher.clock.NewTimer(wait)
				defer timer.Stop()
			} else {
				timer.Reset(wait)
			}
			due = timer.C()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-run.watcher.done:
			return ErrClosed
		case <-run.inbox.filled:
			if err := run.takeAll(ctx); err != nil {
				return err
			}
		case <-due:
			report(run.batch.take())
		}
	}
}

func (run *watch) takeAll(ctx context.Context) error {
	order, notices, err := run.inbox.take()
	if err != nil {
		klog.FromContext(ctx).Error(err, "Some changes of files may not be noticed")
	}
	for _, to := range order {
		if err := to.root.take(ctx, notices[to]); err != nil {
			return err
		}
	}
	return nil
}

// report puts a change into the batch.
func (run *watch) report(path string, seen, modified time.Time) {
	run.batch.add(run.watcher.clock.Now(), model.Change{Path: path, Seen: seen, Modified: modified})
}

// madeNow returns the times of a change that's noticed now.
func (run *watch) madeNow(stamp int64, floor time.Time) (seen, made time.Time) {
	seen = run.watcher.clock.Now()
	return seen, madeAt(stamp, floor, seen)
}

// madeBefore returns the times of a change that's found at the beginning. It's
// taken to have been seen when it was made, as it would have been by a watch that
// was there: whoever has read the file since then knows of it.
func (run *watch) madeBefore(stamp int64) (seen, made time.Time) {
	now, made := run.madeNow(stamp, time.Time{})
	if seen = made.Add(tick); seen.After(now) {
		seen = now
	}
	return seen, made
}
