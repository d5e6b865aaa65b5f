// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package private checks whether other users can create or replace a file that holds secrets. Root doesn't count as
// another user. Access control lists are checked only as far as the file mode reflects them.
package private

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Others are the permissions of users other than the owner of a file.
const Others fs.FileMode = 0o077

// Owner is the user that a file belongs to.
func Owner(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// Trusted reports whether a file belongs to the user of this process, or to root.
func Trusted(info fs.FileInfo) bool {
	owner := Owner(info)
	return owner == 0 || owner == os.Geteuid()
}

// CheckDirectory returns an error if other users can replace the files in a
// directory, whatever the modes of those files.
func CheckDirectory(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !Trusted(info):
		return fmt.Errorf("directory %s belongs to user %d, which can replace the secrets in it; "+
			"use a directory of your own", path, Owner(info))
	case info.Mode()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("other users can write to directory %s (mode %#o) and replace the secrets in it; "+
			"run `chmod go-w` on it, or use another directory", path, info.Mode().Perm())
	}
	return nil
}
