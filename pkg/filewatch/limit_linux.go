// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// explainInstance says what to do when there are no instances left.
func explainInstance(err error) error {
	if errors.Is(err, unix.EMFILE) {
		return fmt.Errorf("%w: this user's programs watch files in too many places at once, or this one has too many files open: "+
			"raise the limit with sysctl fs.inotify.max_user_instances, or ulimit -n", err)
	}
	return err
}

// explainWatch says what to do when there are no watches left.
func explainWatch(err error) error {
	if isLimit(err) {
		return fmt.Errorf("%w: this user's programs watch too many directories: "+
			"raise the limit, for example with sysctl fs.inotify.max_user_watches=524288, or ignore large directories", err)
	}
	return err
}

// isLimit says whether the system has no watch to spare.
func isLimit(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOMEM) }
