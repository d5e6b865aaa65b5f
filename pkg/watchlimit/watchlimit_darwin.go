// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package watchlimit

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Reached says whether an error means that the system has no file descriptor to
// spare. Each file that's watched takes one.
func Reached(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// Instance explains an error of creating a queue of events. It returns another
// error as it is.
func Instance(err error) error { return Watch(err) }

// Watch explains an error of watching a file. It returns another error as it is.
func Watch(err error) error {
	if !Reached(err) {
		return err
	}
	return explained{"the limit of open files is reached, of which each watched file takes one: raise it with \"ulimit -n\" before the start " +
		"and \"sudo sysctl kern.maxfiles\", or ignore large directories", err}
}
