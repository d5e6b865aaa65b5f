// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tilt.dev/session/pkg/private"
)

// maxLinks is how many symbolic links in a row are followed.
const maxLinks = 40

// secure takes the rights of other users from an empty file. It refuses to take
// the place of old, if there is one, when that belongs to another user than file
// does: that user would get to know the tokens, or would lose a file.
func secure(file *os.File, old fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if old != nil {
		if was, is := private.Owner(old), private.Owner(info); was != is {
			return fmt.Errorf("the file belongs to user %d, but this process runs as user %d: both would know the token in it", was, is)
		}
		if old.Mode().Perm()&private.Others == 0 {
			mode = old.Mode().Perm()
		}
	}
	if info.Mode().Perm() == mode {
		return nil
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	if info, err = file.Stat(); err != nil {
		return err
	}
	return checkSecured(info)
}

// checkSecured refuses a file on a file system that doesn't keep modes.
func checkSecured(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&private.Others != 0 {
		return fmt.Errorf("the file system gives the file the mode %#o: other users could read the token in it", mode)
	}
	return nil
}

// checkLinks refuses symbolic links at path that belong to another user: they lead
// to where that user wants the entry written.
func checkLinks(path string) error {
	for range maxLinks {
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return nil // the caller finds out what is wrong with a missing file
		}
		if !private.Trusted(info) {
			return fmt.Errorf("%s is a symbolic link that belongs to user %d: remove it, or name the file that it leads to", path, private.Owner(info))
		}
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			directory, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return err
			}
			target = filepath.Join(directory, target)
		}
		path = target
	}
	return fmt.Errorf("%s: too many symbolic links", path)
}

// warnOfExposure warns of the access that other users had to the file at path
// before it was replaced, and of what they can still do to it. The file is real
// behind all symbolic links, and was old.
func warnOfExposure(path, real string, old fs.FileInfo, warn func(error)) {
	if old != nil && old.Mode().Perm()&private.Others != 0 {
		warn(fmt.Errorf("other users had access to %s, which holds secrets (mode %#o): its mode is 0600 now", path, old.Mode().Perm()))
	}
	directory, behind := filepath.Dir(path), filepath.Dir(real)
	if err := private.CheckDirectory(directory); err != nil {
		warn(fmt.Errorf("%s: %w", path, err))
	}
	if behind == directory {
		return
	}
	if err := private.CheckDirectory(behind); err != nil {
		warn(fmt.Errorf("%s: %w", real, err))
	}
}
