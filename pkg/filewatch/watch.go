// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/klog/v2"

	"tilt.dev/session/pkg/model"
)

// watch is one call of Watch. Only the goroutine of the call uses it.
type watch struct {
	watcher *Watcher
	// since is when the watch began, by the file system's clock.
	since   int64
	ignores ignores
	inbox   *inbox
	batch   batch
}

// Watch reports changes from selection.Since, or else from the call, until ctx is done. Then it returns nil and
// drops unreported changes. It calls report in the caller's goroutine, one batch at a time; a slow report delays
// the next batch and loses nothing.
//
// An error ends the watch: an invalid path or pattern, a limit of the system, or
// ErrClosed. A directory that can't be read is only logged, by the logger of ctx.
func (w *Watcher) Watch(ctx context.Context, selection model.Watch, report func([]model.Change)) error {
	run := &watch{watcher: w, since: sinceWhen(selection.Since), batch: batch{quick: selection.Quick}}
	var err error
	if run.ignores, err = newIgnores(selection.Ignores); err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	var roots []*root
	for _, path := range selection.Paths {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("watch files: %q must be an absolute path", path)
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

// tick is longer than a tick of a file system's clock.
const tick = 10 * time.Millisecond

// sinceWhen returns when a watch begins, by the file system's clock.
func sinceWhen(asked time.Time) int64 {
	now := fileNow()
	if asked.IsZero() {
		return now
	}
	return min(now, asked.Add(-tick).UnixNano())
}

// endOf is what Watch returns: nil if ctx ended it.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// loop handles notices and reports batches.
func (run *watch) loop(ctx context.Context, report func([]model.Change)) error {
	for {
		var due <-chan time.Time
		if !run.batch.empty() {
			due = run.watcher.clock.After(run.batch.due().Sub(run.watcher.clock.Now()))
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
		klog.FromContext(ctx).Error(err, "Some changes of files may be lost")
	}
	for _, to := range order {
		if err := to.root.take(ctx, notices[to]); err != nil {
			return err
		}
	}
	return nil
}

// report adds a change to the batch.
func (run *watch) report(path string, seen, modified time.Time) {
	run.batch.add(run.watcher.clock.Now(), model.Change{Path: path, Seen: seen, Modified: modified})
}

// madeNow returns the times of a change that is seen now.
func (run *watch) madeNow(stamp int64, floor time.Time) (seen, made time.Time) {
	seen = run.watcher.clock.Now()
	return seen, madeAt(stamp, floor, seen)
}

// madeBefore returns the times of a change that is found when the watch begins. It counts as seen when it was made,
// as by a watch that began earlier, because a program that read the file since then has read the change.
func (run *watch) madeBefore(stamp int64) (seen, made time.Time) {
	now, made := run.madeNow(stamp, time.Time{})
	if seen = made.Add(tick); seen.After(now) {
		seen = now
	}
	return seen, made
}

const (
	// quiet is the time without changes after which a batch is reported.
	quiet = 200 * time.Millisecond
	// quickly is that for a quick watch: an editor needs less to write a file.
	quickly = 20 * time.Millisecond
	// longest is the longest time that a change waits for its report.
	longest = 10 * time.Second
)

// batch holds the changes since the last report. The zero value is empty.
type batch struct {
	changes map[string]model.Change
	// first and last are when the first and last change were added.
	first, last time.Time
	// quick is true for a batch that is reported early.
	quick bool
}

// add adds a change. It replaces an earlier change of the same path.
func (b *batch) add(now time.Time, change model.Change) {
	if b.changes == nil {
		b.changes = map[string]model.Change{}
		b.first = now
	}
	b.last = now
	b.changes[change.Path] = change
}

func (b *batch) empty() bool { return b.changes == nil }

// due is when to report a batch that is not empty.
func (b *batch) due() time.Time {
	pause := quiet
	if b.quick {
		pause = quickly
	}
	return b.first.Add(min(b.last.Sub(b.first)+pause, longest))
}

// take returns the changes sorted by path, and empties the batch.
func (b *batch) take() []model.Change {
	changes := slices.SortedFunc(maps.Values(b.changes), func(x, y model.Change) int {
		return cmp.Compare(x.Path, y.Path)
	})
	*b = batch{quick: b.quick}
	return changes
}
