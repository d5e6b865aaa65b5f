// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// limitReached reports whether an error means that no file descriptor is left. Each watched file takes one.
func limitReached(err error) bool { return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) }

// explainInstance explains an error of creating an event queue. It returns any other error unchanged.
func explainInstance(err error) error { return explainWatch(err) }

// explainWatch explains an error of watching a file. It returns any other error unchanged.
func explainWatch(err error) error {
	if !limitReached(err) {
		return err
	}
	return limitError{"the limit of open files is reached, of which each watched file takes one: " +
		"raise it with \"ulimit -n\" before the start and \"sudo sysctl kern.maxfiles\", or ignore large directories", err}
}

// fileNow is at most the modification time of the next file that is modified.
func fileNow() int64 { return time.Now().UnixNano() }
