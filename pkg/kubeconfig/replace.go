// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"tilt.dev/session/pkg/private"
)

// maxLinks is how many symbolic links in a row are followed.
const maxLinks = 40

// Replace makes data the content of the file at path, and returns the path of the file behind all symbolic links.
// The file holds either its old content or all of the new one, whatever fails and whenever this process ends.
//
// Only the owner can access the file afterwards, and before it holds any data. Replace refuses a file or a symbolic
// link that belongs to another user. It calls warn if other users had access to the file, or are still able to
// replace it.
func Replace(path string, data []byte, warn func(error)) (written string, err error) {
	real, old, err := resolve(path)
	if err != nil {
		return "", err
	}
	file, err := renameio.NewPendingFile(real, renameio.WithTempDir(filepath.Dir(real)))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if err := secure(file.File, old); err != nil {
		return "", err
	}
	if _, err := file.Write(data); err != nil {
		return "", err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return "", err
	}
	warnOfExposure(path, real, old, warn)
	return real, nil
}

// resolve follows the symbolic links at path and returns the file behind them, with a nil info if path doesn't
// exist. It refuses links of another user, who would choose the file that receives the token.
func resolve(path string) (real string, info fs.FileInfo, err error) {
	real = path
	for range maxLinks {
		info, err := os.Lstat(real)
		switch {
		case errors.Is(err, fs.ErrNotExist) && real == path:
			return path, nil, nil
		case err != nil:
			return "", nil, err
		case info.Mode()&fs.ModeSymlink == 0:
			return real, info, nil
		case !private.Trusted(info):
			return "", nil, fmt.Errorf("%s is a symbolic link that belongs to user %d; "+
				"remove it, or name the file behind it", real, private.Owner(info))
		}
		target, err := os.Readlink(real)
		if err != nil {
			return "", nil, err
		}
		if !filepath.IsAbs(target) {
			directory, err := filepath.EvalSymlinks(filepath.Dir(real))
			if err != nil {
				return "", nil, err
			}
			target = filepath.Join(directory, target)
		}
		real = target
	}
	return "", nil, fmt.Errorf("%s: too many symbolic links", path)
}

// secure sets the mode of an empty file that is to replace old, which may be
// nil. It refuses to replace a file that belongs to another user.
func secure(file *os.File, old fs.FileInfo) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if old != nil {
		if was, is := private.Owner(old), private.Owner(info); was != is {
			return fmt.Errorf("the file belongs to user %d, but this process runs as user %d; "+
				"both could read the token in it", was, is)
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

// checkSecured refuses a file on a file system that ignores modes.
func checkSecured(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&private.Others != 0 {
		return fmt.Errorf("the file system gives the file mode %#o; other users could read the token in it", mode)
	}
	return nil
}

// warnOfExposure warns of the access that other users had to the file at path
// before its replacement, and of directories in which they are able to replace
// it. real is the file behind all symbolic links, and old its previous state.
func warnOfExposure(path, real string, old fs.FileInfo, warn func(error)) {
	if old != nil && old.Mode().Perm()&private.Others != 0 {
		warn(fmt.Errorf("other users had access to %s, which holds secrets (mode %#o): its mode is 0600 now",
			path, old.Mode().Perm()))
	}
	if err := private.CheckDirectory(filepath.Dir(path)); err != nil {
		warn(fmt.Errorf("%s: %w", path, err))
	}
	if filepath.Dir(real) == filepath.Dir(path) {
		return
	}
	if err := private.CheckDirectory(filepath.Dir(real)); err != nil {
		warn(fmt.Errorf("%s: %w", real, err))
	}
}
