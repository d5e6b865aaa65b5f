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
	return replace(path, data, warn, func(real string) (*os.File, error) {
		return os.CreateTemp(filepath.Dir(real), "."+filepath.Base(real)+".tilt-session.*")
	})
}

// replaceLocked is Replace for a caller that holds the lock of the file. The name
// of the temporary file is always the same then, so that what a killed process
// left is cleared away by the next one.
func replaceLocked(path string, data []byte, warn func(error)) (written string, err error) {
	return replace(path, data, warn, func(real string) (*os.File, error) {
		temp := filepath.Join(filepath.Dir(real), "."+filepath.Base(real)+".tilt-session")
		if err := remove(temp); err != nil {
			return nil, err
		}
		return os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	})
}

// replace is Replace with a temporary file that create makes beside the real one.
func replace(path string, data []byte, warn func(error), create func(real string) (*os.File, error)) (written string, err error) {
	real, err := resolve(path)
	if err != nil {
		return "", err
	}
	old, err := os.Stat(real)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	file, err := create(real)
	if err != nil {
		return "", err
	}
	if err := write(file, data, old); err != nil {
		return "", errors.Join(err, remove(file.Name()))
	}
	if err := os.Rename(file.Name(), real); err != nil {
		return "", errors.Join(err, remove(file.Name()))
	}
	warnOfExposure(path, real, old, warn)
	return real, nil
}

// write fills a new file that is to take the place of old, which is nil when
// there's none, and closes it.
func write(file *os.File, data []byte, old fs.FileInfo) error {
	err := secure(file, old)
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
