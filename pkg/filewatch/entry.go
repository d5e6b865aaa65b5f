// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// kind is what there is under a name, as far as it matters.
type kind uint8

const (
	missing kind = iota
	plain        // neither of the others
	link
	folder
)

// fileID is the same for two names of one file.
type fileID struct{ device, inode uint64 }

// entry is what's known of a name. The zero value is that of nothing.
type entry struct {
	kind kind
	id   fileID
	// modified is when the content was written, changed when anything was done to
	// the file, by the file system's clock. Both are 0 if there's nothing.
	modified, changed int64
}

// look returns what there is under a path, without following it. What can't be
// looked at counts as missing.
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
		if err == nil { // Otherwise it's gone already, and there's an event to say so.
			entries[name] = newEntry(&st)
		}
	}
	return entries, nil
}

func newEntry(st *unix.Stat_t) entry {
	e := entry{
		kind:     plain,
		id:       fileID{uint64(st.Dev), st.Ino},
		modified: st.Mtim.Nano(),
		changed:  st.Ctim.Nano(),
	}
	switch uint32(st.Mode) & unix.S_IFMT {
	case unix.S_IFDIR:
		e.kind = folder
	case unix.S_IFLNK:
		e.kind = link
	}
	return e
}

// retry repeats what a signal interrupts.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// recent is how long before it's seen a change may have been made.
const recent = time.Minute

// madeAt is when a change was made that was seen at a time: at stamp, but not
// before floor, unless the stamp can't be about this change.
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
