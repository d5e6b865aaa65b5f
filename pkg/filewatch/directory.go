// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// directory is a directory that roots need, with all of its entries or certain
// names. Its path contains no symbolic links, and no other has its inode.
type directory struct {
	path string
	id   fileID
	// unwatched is true if the system reports no events of it.
	unwatched bool
	// listed is true if entries holds every entry. Otherwise it holds those of named.
	listed  bool
	entries map[string]entry
	// readers are the roots that need every entry, named those that need one name.
	readers map[*root]struct{}
	named   map[string]map[*root]struct{}
}

// lookUp returns the state of a name in a directory. From then on r receives its changes, if the directory can be
// watched. The error means that a limit of the system is reached.
func (w *Watcher) lookUp(r *root, path, name string) (entry, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, err := w.open(path)
	if d == nil {
		return entry{}, err
	}
	// A known entry isn't read again: an event follows for each change, and to
	// detect the change it takes the state before.
	if d.unwatched || !d.listed && len(d.named[name]) == 0 {
		d.note(name, look(join(path, name)))
	}
	if d.named[name] == nil {
		d.named[name] = map[*root]struct{}{}
	}
	d.named[name][r] = struct{}{}
	return d.entries[name], nil
}

// listing is the content of a directory, by name.
type listing struct {
	self    entry
	entries map[string]entry
}

// readAll returns the content of a directory, empty if it doesn't exist. From
// then on r receives the changes in it, unless readAll fails.
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
		}
		maps.Copy(entries, d.entries)
		d.entries, d.listed = entries, true
	}
	self := look(path)
	if self.kind == missing {
		w.removeIfUnused(d)
		return listing{}, nil
	}
	d.readers[r] = struct{}{}
	return listing{self, maps.Clone(d.entries)}, nil
}

// open returns a directory, nil if path isn't one or a limit is reached. With
// another error it returns the directory unwatched.
func (w *Watcher) open(path string) (*directory, error) {
	if d := w.directories[path]; d != nil && !d.unwatched {
		return d, nil
	}
	e := look(path)
	if e.kind != folder {
		return nil, nil
	}
	alias := false
	if old, ok := w.paths[e.id]; ok && old != path {
		// If it was renamed and the event follows, the system's watch still has the old name, and must be renewed.
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
			path:    path,
			entries: map[string]entry{},
			readers: map[*root]struct{}{},
			named:   map[string]map[*root]struct{}{},
		}
	}
	d.id, d.unwatched = e.id, alias || err != nil
	w.directories[path] = d
	if !alias {
		w.paths[e.id] = path
	}
	return d, err
}

// absentIsNil returns nil for the error of a directory that doesn't exist.
func absentIsNil(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	return err
}

// release undoes readAll. It forgets the entries that only readers need.
func (w *Watcher) release(r *root, path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.directories[path]
	if d == nil {
		return
	}
	delete(d.readers, r)
	if len(d.readers) == 0 {
		d.listed = false
		maps.DeleteFunc(d.entries, func(name string, _ entry) bool { return d.named[name] == nil })
	}
	w.removeIfUnused(d)
}

// releaseName undoes lookUp.
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

// removeIfUnused stops watching a directory that no root needs. It may be nil.
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
	// It fails if the system removed the watch by itself, or never had one.
	_ = w.system.Remove(d.path)
}

// note sets the known state of a name.
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

// kind is the type of what a name refers to.
type kind uint8

const (
	missing kind = iota
	plain        // anything but the others
	link
	folder
)

// fileID is the same for two names of one file.
type fileID struct{ device, inode uint64 }

// entry is the known state of a name. The zero value means that it is missing.
type entry struct {
	kind kind
	id   fileID
	// modified is when the content was written, changed when the inode changed, by
	// the file system's clock. Both are 0 if the name is missing.
	modified, changed int64
}

// look returns the state of a path, without following a symbolic link. On an error the path counts as missing.
func look(path string) entry {
	var st unix.Stat_t
	if err := retry(func() error { return unix.Lstat(path, &st) }); err != nil {
		return entry{}
	}
	return newEntry(&st)
}

// list returns all entries of a directory.
func list(path string) (map[string]entry, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	fd := int(dir.Fd())
	entries := make(map[string]entry, len(names))
	for _, name := range names {
		var st unix.Stat_t
		err := retry(func() error { return unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
		if err == nil { // Otherwise it was removed, and an event follows.
			entries[name] = newEntry(&st)
		}
	}
	return entries, nil
}

func newEntry(st *unix.Stat_t) entry {
	e := entry{
		kind:     plain,
		id:       fileID{uint64(st.Dev), st.Ino}, //nolint:unconvert // It's an int32 on darwin.
		modified: st.Mtim.Nano(),
		changed:  st.Ctim.Nano(),
	}
	switch uint32(st.Mode) & unix.S_IFMT { //nolint:unconvert // It's a uint16 on darwin.
	case unix.S_IFDIR:
		e.kind = folder
	case unix.S_IFLNK:
		e.kind = link
	}
	return e
}

// retry repeats a call that a signal interrupts.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// recent is the longest time between a change and its detection.
const recent = time.Minute

// madeAt is when a change was made: at stamp, but not before floor. If that isn't
// a plausible time for this change, it is seen, when the change was seen.
func madeAt(stamp int64, floor, seen time.Time) time.Time {
	made := time.Unix(0, stamp)
	if made.Before(floor) {
		made = floor
	}
	if made.After(seen) || seen.Sub(made) > recent {
		return seen
	}
	return made
}
