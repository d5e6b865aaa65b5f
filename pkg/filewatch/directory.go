// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// directory is one that somebody needs: all of it, or certain names in it. Its
// path has no symbolic links, and it's the only one with its inode.
type directory struct {
	path string
	id   fileID
	// deaf is true if the system reports nothing about it.
	deaf bool
	// listed is true if entries has all there is. Otherwise it has the named.
	listed  bool
	entries map[string]entry
	readers map[*root]struct{}
	named   map[string]map[*root]struct{}
}

// lookUp returns what there is under a name in a directory, and has changes of it
// delivered to r from now on, as far as the directory may be watched. The
// error is that of a limit.
func (w *Watcher) lookUp(r *root, path, name string) (entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.open(path)
	if d == nil {
		return entry{}, err
	}
	// What's known already isn't looked at again: there's an event on its way for
	// what has changed, and those who are told of it need to know from what.
	if d.deaf || !d.listed && len(d.named[name]) == 0 {
		d.note(name, look(join(path, name)))
	}
	if d.named[name] == nil {
		d.named[name] = map[*root]struct{}{}
	}
	d.named[name][r] = struct{}{}
	return d.entries[name], nil
}

// listing is what there was in a directory.
type listing struct {
	self    entry
	entries []named
}

// named is an entry with its name.
type named struct {
	name string
	entry
}

// readAll returns what there is in a directory, and has changes of it delivered to r
// from now on. There's nothing in a directory that doesn't exist. After an error
// nothing is delivered.
func (w *Watcher) readAll(r *root, path string) (listing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.open(path)
	if d == nil || err != nil {
		w.removeIfUnused(d)
		return listing{}, err
	}
	if !d.listed {
		entries, err := list(path)
		if err != nil {
			w.removeIfUnused(d)
			return listing{}, absentIsNil(err)
		}
		for name := range d.named {
			delete(entries, name)
			if e, ok := d.entries[name]; ok {
				entries[name] = e
			}
		}
		d.entries, d.listed = entries, true
	}
	self := look(path)
	if self.kind == missing {
		w.removeIfUnused(d)
		return listing{}, nil
	}
	d.readers[r] = struct{}{}
	entries := make([]named, 0, len(d.entries))
	for name, e := range d.entries {
		entries = append(entries, named{name, e})
	}
	return listing{self, entries}, nil
}

// open returns a directory, nil if there's none of this path or a limit is
// reached. With another error it's deaf.
func (w *Watcher) open(path string) (*directory, error) {
	if d := w.directories[path]; d != nil && !d.deaf {
		return d, nil
	}
	e := look(path)
	if e.kind != folder {
		return nil, nil
	}
	alias := false
	if old, ok := w.paths[e.id]; ok && old != path {
		// It may have been renamed, and the event be on its way. The system would go
		// on to report it under the old name, and then not at all.
		if alias = look(old).id == e.id; !alias {
			w.lose(old, w.clock.Now())
		}
	}
	var err error
	if !alias {
		err = w.system.Add(path)
	}
	switch {
	case err == nil:
	case absentIsNil(err) == nil:
		return nil, nil
	case limitReached(err), errors.Is(err, fsnotify.ErrClosed):
		return nil, err
	}
	d := w.directories[path]
	if d == nil {
		d = &directory{
			path: path, entries: map[string]entry{}, readers: map[*root]struct{}{}, named: map[string]map[*root]struct{}{},
		}
	}
	d.id, d.deaf = e.id, alias || err != nil
	w.directories[path] = d
	if !alias {
		w.paths[e.id] = path
	}
	return d, err
}

// absentIsNil drops the error of a directory that's gone.
func absentIsNil(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	return err
}

// release ends what readAll began.
func (w *Watcher) release(r *root, path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.directories[path]
	if d == nil {
		return
	}
	delete(d.readers, r)
	if len(d.readers) == 0 {
		d.forgetUnnamed()
	}
	w.removeIfUnused(d)
}

// releaseName ends what lookUp began.
func (w *Watcher) releaseName(r *root, path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, name := w.directories[filepath.Dir(path)], filepath.Base(path)
	if d == nil {
		return
	}
	delete(d.named[name], r)
	if len(d.named[name]) == 0 {
		delete(d.named, name)
		if !d.listed {
			delete(d.entries, name)
		}
	}
	w.removeIfUnused(d)
}

// forgetUnnamed is for a directory without readers.
func (d *directory) forgetUnnamed() {
	if !d.listed {
		return
	}
	d.listed = false
	for name := range d.entries {
		if d.named[name] == nil {
			delete(d.entries, name)
		}
	}
}

// removeIfUnused stops watching a directory that nobody needs. It may be nil.
func (w *Watcher) removeIfUnused(d *directory) {
	if d != nil && len(d.readers) == 0 && len(d.named) == 0 {
		w.remove(d)
	}
}

func (w *Watcher) remove(d *directory) {
	delete(w.directories, d.path)
	if w.paths[d.id] == d.path {
		delete(w.paths, d.id)
	}
	// It fails if the system has removed it already, or had never added it.
	_ = w.system.Remove(d.path)
}

// note sets what's known of a name.
func (d *directory) note(name string, e entry) {
	if e.kind == missing {
		delete(d.entries, name)
		return
	}
	d.entries[name] = e
}

// join is filepath.Join for a clean path and a name.
func join(path, name string) string {
	if path == "/" {
		return "/" + name
	}
	return path + "/" + name
}
