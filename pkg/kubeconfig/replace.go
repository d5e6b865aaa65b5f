// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// replace makes data the content of the file at path, at once: whatever fails,
// and whenever this process ends, either the old content is there or the new.
// It doesn't wait for the disk, as nobody does who writes kubeconfigs: an entry
// is of no use to a machine that has started again, and a disk can take longer
// than a whole run. Mode and owner are kept, and a symbolic link goes on pointing
// to the file. The caller holds the lock.
func replace(path string, data []byte) error {
	path, err := resolve(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// The name is always the same, so that what a killed process left is
	// cleared away by the next one.
	temp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tilt-session")
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := write(temp, data, old); err != nil {
		return errors.Join(err, remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, remove(temp))
	}
	return nil
}

// write makes a new file with the mode and the owner of old, which is nil when
// there's nothing to take them from.
func write(path string, data []byte, old fs.FileInfo) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil && old != nil {
		err = inherit(file, old)
	}
	return errors.Join(err, file.Close())
}

// inherit gives file the owner and the mode of old.
func inherit(file *os.File, old fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	is, isKnown := info.Sys().(*syscall.Stat_t)
	was, wasKnown := old.Sys().(*syscall.Stat_t)
	if isKnown && wasKnown && (is.Uid != was.Uid || is.Gid != was.Gid) {
		if err := file.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return err
		}
	}
	return file.Chmod(old.Mode().Perm())
}

// resolve follows symbolic links to a path that may not exist itself.
func resolve(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if _, lstat := os.Lstat(path); lstat == nil {
		return "", err
	}
	return path, nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
