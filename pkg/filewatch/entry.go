// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

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
