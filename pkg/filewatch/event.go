// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notice reports one changed path to a root.
type notice struct {
	// path contains no symbolic links.
	path           string
	kind           kind
	seen, modified time.Time
	// structural is true if the name may refer to another file or directory now,
	// so that the root must read it again with everything below it.
	structural bool
}

// handle updates the known state after an event.
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
	moved := event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)
	if own != nil && (moved || after.kind != folder || after.id != own.id) {
		w.lose(path, seen)
	}
	w.update(parent, name, after, event.Op, seen)
}

// compareAll updates the known state of everything after events were lost.
func (w *Watcher) compareAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(w.directories)) {
		if d := w.directories[path]; d != nil {
			w.compare(d)
		}
	}
}

// compare updates the known state of one directory. It renews the system's watch,
// which the system may have dropped without an event.
func (w *Watcher) compare(d *directory) {
	seen := w.clock.Now()
	if e := look(d.path); e.kind != folder || e.id != d.id {
		w.lose(d.path, seen)
		return
	}
	d.unwatched = d.unwatched || w.system.Add(d.path) != nil
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

// wants reports whether any root needs a name. The directory may be nil.
func (d *directory) wants(name string) bool {
	return d != nil && (d.listed || d.named[name] != nil)
}

// update records the state of a name, and notifies the roots that need it if it changed. The directory may be nil.
func (w *Watcher) update(d *directory, name string, after entry, op fsnotify.Op, seen time.Time) {
	if !d.wants(name) {
		return
	}
	before := d.entries[name]
	d.note(name, after)
	path := join(d.path, name)
	own := w.directories[path]
	changed, structural := difference(before, after, op, own != nil && !own.unwatched)
	if !changed {
		return
	}
	stamp := after.changed
	if after.kind == missing {
		stamp = look(d.path).modified
	}
	n := notice{path: path, kind: after.kind, seen: seen, structural: structural}
	n.modified = madeAt(stamp, time.Time{}, seen)
	for r := range d.readers {
		r.inbox.put(r, n)
	}
	for r := range d.named[name] {
		r.inbox.put(r, n)
	}
}

// difference reports whether an event is a change, and whether the name may refer to another file or directory
// after it. watched is false for a directory that can't be read or that no root needs.
func difference(before, after entry, op fsnotify.Op, watched bool) (changed, structural bool) {
	if before.kind != after.kind {
		return true, true
	}
	touched := op&^fsnotify.Chmod != 0 || before.modified != after.modified
	switch after.kind {
	case missing:
		// The file was created and removed. A program may have read it in between.
		gone := op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
		return gone, gone
	case folder:
		// Its times, and writes to it, concern its entries, which have events of their own. Its creation is no change
		// if it was found before this event.
		other := op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename) || before.id != after.id
		other = other || op.Has(fsnotify.Chmod) && !watched
		return other, other
	case link:
		return touched, touched
	default:
		return touched, false
	}
}

// lose notifies the roots that need a directory that it was removed or replaced, and forgets it and everything below.
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

// inbox holds the notices for one watch until it takes them, one for each path
// however often that changes. Adding a notice never blocks.
type inbox struct {
	// filled holds a value while there may be notices or an error.
	filled chan struct{}

	mu      sync.Mutex
	order   []address
	notices map[address]notice
	err     error
}

// address is the root that a notice is for, and the path that it is about.
type address struct {
	root *root
	path string
}

// put adds a notice, or updates the present one.
func (in *inbox) put(r *root, n notice) {
	in.mu.Lock()
	defer in.mu.Unlock()
	to := address{r, n.path}
	if old, ok := in.notices[to]; ok {
		n.structural = n.structural || old.structural
	} else {
		in.order = append(in.order, to)
	}
	in.notices[to] = n
	in.wake()
}

// warn sets the error. Only the last error is kept.
func (in *inbox) warn(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.err = err
	in.wake()
}

func (in *inbox) wake() {
	select {
	case in.filled <- struct{}{}:
	default:
	}
}

// take returns and removes the notices and the error.
func (in *inbox) take() (order []address, notices map[address]notice, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	order, notices, err = in.order, in.notices, in.err
	in.order, in.notices, in.err = nil, map[address]notice{}, nil
	return order, notices, err
}
