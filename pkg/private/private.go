// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package private tells whether other users than that of this process could have
// made a file, or could exchange it. Root isn't another user: it can do both
// anywhere. Access control lists aren't looked at beyond the mode that they show as.
package private

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Others are the rights of other users than the owner of a file.
const Others fs.FileMode = 0o077

// Owner is the user that a file belongs to.
func Owner(info fs.FileInfo) int {
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// Trusted is true for what belongs to the user of this process, or to root.
func Trusted(info fs.FileInfo) bool {
	owner := Owner(info)
	return owner == 0 || owner == os.Geteuid()
}

// CheckDirectory returns how other users could exchange the files in a directory
// for their own, whatever the modes of those files are.
func CheckDirectory(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !Trusted(info):
		return fmt.Errorf("directory %s belongs to user %d, which can exchange the secrets in it: use a directory of your own", path, Owner(info))
	case info.Mode()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("other users can write to directory %s (mode %#o) and exchange the secrets in it: run `chmod go-w` on it, or use another directory", path, info.Mode().Perm())
	}
	return nil
}
