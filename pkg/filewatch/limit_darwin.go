// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// explainInstance says what to do when there are no file descriptors left.
func explainInstance(err error) error { return explainWatch(err) }

// explainWatch says what to do when there are no file descriptors left. Each file
// that's watched takes one.
func explainWatch(err error) error {
	if isLimit(err) {
		return fmt.Errorf("%w: there are too many files to watch: "+
			"raise the limit with ulimit -n and sysctl kern.maxfiles, or ignore large directories", err)
	}
	return err
}

// isLimit says whether the system has no file descriptor to spare.
func isLimit(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }
