// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace makes data the content of the file at path, at once: whatever fails,
// and whenever this process ends, either the old content is there or the new.
// It doesn't wait for the disk: an entry is of no use to a machine that has
// started again, and a disk can take longer than a whole run. Replace returns
// the file that it has written, to which path may be a symbolic link.
//
// The file is its owner's alone afterwards, and before it has any of the data.
// Replace refuses a file or a link of another user, and calls warn
// when the file was open to other users until now, or can still be exchanged by
// them.
func Replace(path string, data []byte, warn func(error)) (written string, err error) {
	real, err := resolve(path)
	if err != nil {
		return "", err
	}
	old, err := os.Stat(real)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	// The name is always the same, so that what a killed process left is
	// cleared away by the next one.
	temp := filepath.Join(filepath.Dir(real), "."+filepath.Base(real)+".tilt-session")
	if err := remove(temp); err != nil {
		return "", err
	}
	if err := write(temp, data, old); err != nil {
		return "", errors.Join(err, remove(temp))
	}
	if err := os.Rename(temp, real); err != nil {
		return "", errors.Join(err, remove(temp))
	}
	warnOfExposure(path, real, old, warn)
	return real, nil
}

// write makes a new file in place of old, which is nil when there's none.
func write(path string, data []byte, old fs.FileInfo) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = secure(file, old)
	if err == nil {
		_, err = file.Write(data)
	}
	return errors.Join(err, file.Close())
}

// resolve follows symbolic links to a path that may not exist itself.
func resolve(path string) (string, error) {
	if err := checkLinks(path); err != nil {
		return "", err
	}
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
