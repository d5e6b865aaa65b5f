// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notice is what those who need a path are told when it has changed.
type notice struct {
	// path has no symbolic links.
	path           string
	kind           kind
	seen, modified time.Time
	// structural is true if there may be something else now under this name, so
	// that whatever was known of it and below it must be found out anew.
	structural bool
}

// handle brings what's known up to date with an event.
func (w *Watcher) handle(event fsnotify.Event) {
	path := filepath.Clean(event.Name)
	dir, name := filepath.Dir(path), filepath.Base(path)
	w.mu.Lock()
	defer w.mu.Unlock()
	own, parent := w.directories[path], w.directories[dir]
	if own == nil && !parent.wants(name) || dir == path {
		return
	}
	after, seen := look(path), w.clock.Now()
	if own != nil && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) || after.kind != folder || after.id != own.id) {
		w.lose(path, seen)
	}
	w.update(parent, name, after, event.Op, seen)
}

// compareAll brings everything up to date after events were lost.
func (w *Watcher) compareAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(w.directories)) {
		if d := w.directories[path]; d != nil {
			w.compare(d)
		}
	}
}

// compare brings one directory up to date. The system may have dropped its watch
// without being able to say so.
func (w *Watcher) compare(d *directory) {
	seen := w.clock.Now()
	if e := look(d.path); e.kind != folder || e.id != d.id {
		w.lose(d.path, seen)
		return
	}
	d.deaf = d.deaf || w.system.Add(d.path) != nil
	now := map[string]entry{}
	names := slices.Collect(maps.Keys(d.named))
	if d.listed {
		entries, err := list(d.path)
		if err != nil {
			w.lose(d.path, seen)
			return
		}
		now = entries
		names = slices.AppendSeq(slices.Collect(maps.Keys(now)), maps.Keys(d.entries))
	} else {
		for _, name := range names {
			now[name] = look(join(d.path, name))
		}
	}
	for _, name := range names {
		var op fsnotify.Op
		if now[name].changed != d.entries[name].changed {
			op = fsnotify.Write
		}
		w.update(d, name, now[name], op, seen)
	}
}

// wants says whether anybody needs a name. The directory may be nil.
func (d *directory) wants(name string) bool {
	return d != nil && (d.listed || d.named[name] != nil)
}

// update notes what there is now under a name, and tells of it if it's a change.
// The directory may be nil.
func (w *Watcher) update(d *directory, name string, after entry, op fsnotify.Op, seen time.Time) {
	if !d.wants(name) {
		return
	}
	before := d.entries[name]
	d.note(name, after)
	path := join(d.path, name)
	own := w.directories[path]
	changed, structural := difference(before, after, op, own != nil && !own.deaf)
	if !changed {
		return
	}
	stamp := after.changed
	if after.kind == missing {
		stamp = look(d.path).modified
	}
	n := notice{path: path, kind: after.kind, seen: seen, modified: madeAt(stamp, time.Time{}, seen), structural: structural}
	for r := range d.readers {
		r.inbox.put(r, n)
	}
	for r := range d.named[name] {
		r.inbox.put(r, n)
	}
}

// difference decides whether an event is a change, and whether it's one of what
// there is rather than of its content. watched is false for a directory that
// isn't, because it couldn't be read or nobody needs it.
func difference(before, after entry, op fsnotify.Op, watched bool) (changed, structural bool) {
	if before.kind != after.kind {
		return true, true
	}
	touched := op&^fsnotify.Chmod != 0 || before.modified != after.modified
	switch after.kind {
	case missing:
		// It came and went. Somebody who was told of it before may have looked at it
		// in between.
		gone := op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
		return gone, gone
	case folder:
		// Its times and writes to it are about its content. One that was found
		// before the event of its creation was handled is no news.
		other := op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename) || before.id != after.id
		other = other || op.Has(fsnotify.Chmod) && !watched
		return other, other
	case link:
		return touched, touched
	default:
		return touched, false
	}
}

// lose tells all who need a directory that it's gone or another one, and forgets
// it and everything below.
func (w *Watcher) lose(path string, seen time.Time) {
	d := w.directories[path]
	if d == nil {
		return
	}
	n := notice{path: path, kind: look(path).kind, seen: seen, modified: seen, structural: true}
	for r := range d.readers {
		r.inbox.put(r, n)
	}
	for _, roots := range d.named {
		for r := range roots {
			r.inbox.put(r, n)
		}
	}
	w.forget(d)
}

func (w *Watcher) forget(d *directory) {
	for name, e := range d.entries {
		if e.kind != folder {
			continue
		}
		if below := w.directories[join(d.path, name)]; below != nil {
			w.forget(below)
		}
	}
	w.remove(d)
}
