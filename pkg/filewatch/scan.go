// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"k8s.io/klog/v2"
)

// scan reads a directory and everything below it, except for directories in which everything is ignored. It reports
// every file, as changed at floor at the earliest, or only the changes since the watch began. It returns soon after
// ctx is done.
func (r *root) scan(ctx context.Context, top string, everything bool, floor time.Time) error {
	for rest := []string{top}; len(rest) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		l, err := r.watcher.readAll(r, dir)
		switch {
		case err != nil && (limitReached(err) || errors.Is(err, fsnotify.ErrClosed)):
			return failed(dir, err)
		case err != nil:
			klog.FromContext(ctx).Error(err, "Cannot watch a directory", "path", dir)
			continue
		case l.self.kind == missing:
			continue
		}
		r.enter(dir)
		r.reportListing(dir, l, everything, floor)
		for _, e := range l.entries {
			if e.kind == folder && !temporary(e.name) && !r.ignores.below(r.shown(join(dir, e.name))) {
				rest = append(rest, join(dir, e.name))
			}
		}
	}
	return nil
}

// failed is the error of a watch that could be set up only in part.
func failed(dir string, err error) error {
	if errors.Is(err, fsnotify.ErrClosed) {
		return ErrClosed
	}
	return fmt.Errorf("watch %s: %w", dir, explainWatch(err))
}

// reportListing reports every entry of a directory, or those that changed since the watch began. If the directory
// changed and none of its entries did, an entry was removed, and the directory itself is reported.
func (r *root) reportListing(dir string, l listing, everything bool, floor time.Time) {
	touched := l.self.modified >= r.since
	explained := false
	for _, e := range l.entries {
		since := e.changed >= r.since
		explained = explained || since
		if !everything && (!since || e.kind == folder && !touched) || temporary(e.name) {
			continue
		}
		if shown := r.shown(join(dir, e.name)); !r.ignores.ignored(shown) {
			seen, made := r.madeBefore(e.changed)
			if everything {
				seen, made = r.madeNow(e.changed, floor)
			}
			r.report(shown, seen, made)
		}
	}
	if shown := r.shown(dir); !everything && touched && !explained && !r.ignores.ignored(shown) {
		seen, made := r.madeBefore(l.self.modified)
		r.report(shown, seen, made)
	}
}

// enter adds a directory to the tree.
func (r *root) enter(dir string) {
	if r.tree[dir] == nil {
		r.tree[dir] = map[string]struct{}{}
	}
	if parent := r.tree[filepath.Dir(dir)]; parent != nil && dir != "/" {
		parent[dir] = struct{}{}
	}
}

// leave removes a directory and everything below it from the tree.
func (r *root) leave(dir string) {
	below, ok := r.tree[dir]
	if !ok {
		return
	}
	delete(r.tree, dir)
	r.watcher.release(r, dir)
	if parent := r.tree[filepath.Dir(dir)]; parent != nil {
		delete(parent, dir)
	}
	for d := range below {
		r.leave(d)
	}
}
