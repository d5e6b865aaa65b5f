// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tilt.dev/session/pkg/private"
)

// kept returns the content of a secret file, which is made if it isn't there.
// Its directory is this process's alone. Errors name the file.
func kept(path string, make func() ([]byte, error)) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text, err := make()
		if err != nil {
			return nil, err
		}
		return text, keep(path, text)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s isn't a regular file: move it away", path)
	case !private.Trusted(info):
		return nil, fmt.Errorf("%s is a secret that belongs to user %d: remove it to have another one made, or change its owner if that user may know it",
			path, private.Owner(info))
	case info.Mode().Perm()&private.Others != 0:
		return nil, fmt.Errorf("%s is a secret that other users have access to (mode %#o): run \"chmod 600\" on it or, if another user may have read it, remove it to have another one made",
			path, info.Mode().Perm())
	}
	return os.ReadFile(path)
}

// keep makes text the content of a secret file: for good, and whole or not at all.
func keep(path string, text []byte) error {
	// What a killed process has left under this name is nobody's.
	partial := path + ".new"
	if err := os.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(partial, text); err != nil {
		return errors.Join(fmt.Errorf("making %s: %w", path, err), os.RemoveAll(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

func writeNew(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
