// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"k8s.io/klog/v2"
)

// mostLinks is the largest number of symbolic links on the way to a path.
const mostLinks = 40

// root is one path of a watch. Only the watch's goroutine uses it, except for the inbox.
type root struct {
	*watch
	// path is the requested path, clean.
	path string
	// ignored is true if changes of path itself aren't reported.
	ignored bool
	way     way
	// tree maps each directory that was read to those of its subdirectories that
	// were. Their paths contain no symbolic links.
	tree map[string]map[string]struct{}
}

// way is how a path leads to its target.
type way struct {
	// names are the paths on the way. Each contains no symbolic link before its last element.
	names map[string]struct{}
	// target is the path behind all links. Its state is entry.
	target string
	// last is the path of the target if only the target itself is missing.
	last string
	entry
	// newestLink is the latest change time of the symbolic links.
	newestLink int64
}

// find follows the path as far as it exists. The caller also releases the way that is returned with an error.
func (r *root) find() (way, error) {
	found := way{names: map[string]struct{}{}, target: "/", entry: entry{kind: folder}}
	links := 0
	for rest := parts(r.path); len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			found.target = filepath.Dir(found.target)
			found.entry = look(found.target)
			continue
		}
		path := join(found.target, name)
		found.names[path] = struct{}{}
		e, err := r.watcher.lookUp(r, found.target, name)
		if err != nil {
			return found, failed(found.target, err)
		}
		if e.kind == link {
			found.newestLink = max(found.newestLink, e.changed)
			// If the link was removed, an event follows.
			to, err := os.Readlink(path)
			if links++; err != nil || links > mostLinks {
				e = entry{}
			}
			if filepath.IsAbs(to) {
				found.target = "/"
			}
			rest = append(parts(to), rest...)
		}
		if e.kind == missing || e.kind == plain && len(rest) > 0 {
			found.entry = entry{}
			if len(rest) == 0 {
				found.last = path
			}
			return found, nil
		}
		if e.kind != link {
			found.target, found.entry = path, e
		}
	}
	return found, nil
}

// parts returns the elements of a path.
func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(part string) bool { return part == "" || part == "." })
}

// begin finds the path and reports the changes since the watch began.
func (r *root) begin(ctx context.Context) (err error) {
	if r.way, err = r.find(); err != nil || r.way.kind == missing {
		return err
	}
	if stamp := max(r.way.changed, r.way.newestLink); r.way.newestLink >= r.since || r.isNew() {
		r.reportSelf(r.madeBefore(stamp))
	}
	if r.way.kind == folder {
		return r.scan(ctx, r.way.target, false, time.Time{})
	}
	return nil
}

// isNew reports whether the target changed since the watch began. A directory changes along with its content, so it
// is new only if its parent directory changed too.
func (r *root) isNew() bool {
	return r.way.changed >= r.since && (r.way.kind == plain || look(filepath.Dir(r.way.target)).modified >= r.since)
}

// take handles a notice. It fails at a limit of the system, or when ctx is done.
func (r *root) take(ctx context.Context, n notice) error {
	if _, ok := r.way.names[n.path]; ok {
		if n.structural || n.path != r.way.target {
			return r.follow(ctx, n)
		}
		r.reportSelf(n.seen, n.modified)
		return nil
	}
	if _, ok := r.tree[filepath.Dir(n.path)]; !ok {
		return nil
	}
	shown := r.shown(n.path)
	if temporary(filepath.Base(n.path)) {
		return nil
	}
	if !r.ignores.ignored(shown) {
		r.report(shown, n.seen, n.modified)
	}
	if !n.structural {
		return nil
	}
	r.removeTree(n.path)
	if n.kind != folder || r.ignores.below(shown) {
		return nil
	}
	return r.scan(ctx, n.path, true, n.modified)
}

// follow finds the path again after a change on the way to it, and reports everything below it.
func (r *root) follow(ctx context.Context, n notice) (err error) {
	before, tree := r.way, r.tree
	r.way, err = r.find()
	r.tree = map[string]map[string]struct{}{}
	if err == nil && r.way.kind == folder {
		err = r.scan(ctx, r.way.target, true, n.modified)
	}
	// Releasing last keeps the watches that are still needed.
	for name := range before.names {
		if _, ok := r.way.names[name]; !ok {
			r.watcher.releaseName(r, name)
		}
	}
	for dir := range tree {
		if _, ok := r.tree[dir]; !ok {
			r.watcher.release(r, dir)
		}
	}
	if before.kind != missing || r.way.kind != missing || r.way.last == n.path {
		r.reportSelf(n.seen, n.modified)
	}
	return err
}

// end releases everything that the root needs.
func (r *root) end() {
	for name := range r.way.names {
		r.watcher.releaseName(r, name)
	}
	for dir := range r.tree {
		r.watcher.release(r, dir)
	}
}

// shown is the path under which a path at or below the target is reported.
func (r *root) shown(path string) string {
	below := strings.TrimPrefix(strings.TrimPrefix(path, r.way.target), "/")
	if below == "" {
		return r.path
	}
	return join(r.path, below)
}

// reportSelf reports a change of the path itself.
func (r *root) reportSelf(seen, modified time.Time) {
	if !r.ignored {
		r.report(r.path, seen, modified)
	}
}

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
		r.addDirectory(dir)
		r.reportListing(dir, l, everything, floor)
		for name, e := range l.entries {
			if e.kind == folder && !temporary(name) && !r.ignores.below(r.shown(join(dir, name))) {
				rest = append(rest, join(dir, name))
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
	for name, e := range l.entries {
		since := e.changed >= r.since
		explained = explained || since
		if !everything && (!since || e.kind == folder && !touched) || temporary(name) {
			continue
		}
		if shown := r.shown(join(dir, name)); !r.ignores.ignored(shown) {
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

// addDirectory adds a directory to the tree.
func (r *root) addDirectory(dir string) {
	if r.tree[dir] == nil {
		r.tree[dir] = map[string]struct{}{}
	}
	if parent := r.tree[filepath.Dir(dir)]; parent != nil && dir != "/" {
		parent[dir] = struct{}{}
	}
}

// removeTree removes a directory and everything below it from the tree.
func (r *root) removeTree(dir string) {
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
		r.removeTree(d)
	}
}
