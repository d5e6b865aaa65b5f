// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// limitReached reports whether an error means that no inotify watch is left, or no file descriptor to read a directory.
func limitReached(err error) bool {
	return slices.ContainsFunc([]error{unix.ENOSPC, unix.ENOMEM, unix.EMFILE, unix.ENFILE},
		func(limit error) bool { return errors.Is(err, limit) })
}

// explainInstance explains an error of creating an inotify instance. It returns any other error unchanged.
func explainInstance(err error) error {
	if errors.Is(err, unix.EMFILE) {
		return limitError{sysctl("inotify instances per user", "fs.inotify.max_user_instances", 1024) +
			", or the limit of open files with \"ulimit -n\"", err}
	}
	return err
}

// explainWatch explains an error of adding an inotify watch, or of reading the
// directory for it. It returns any other error unchanged.
func explainWatch(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return limitError{sysctl("watched directories per user", "fs.inotify.max_user_watches", 524288) +
			", or ignore large directories", err}
	}
	if errors.Is(err, unix.EMFILE) {
		return limitError{"the limit of open files of a process is reached: " +
			"raise it with \"ulimit -n\" before the start", err}
	}
	return err
}

// sysctl describes a limit that is a kernel setting. It recommends at least enough.
func sysctl(what, name string, enough int) string {
	is := ""
	if proc, err := procfs.NewDefaultFS(); err == nil {
		if values, err := proc.SysctlInts(name); err == nil && len(values) == 1 && values[0] < math.MaxInt/2 {
			is = fmt.Sprintf(" = %d", values[0])
			enough = max(enough, 2*values[0])
		}
	}
	return fmt.Sprintf("the limit of %s is reached (%s%s): raise it with \"sudo sysctl %s=%d\"",
		what, name, is, name, enough)
}

// fileNow is at most the modification time of the next file that is modified.
// The kernel stamps files by a clock that ticks a few hundred times a second.
func fileNow() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return time.Now().Add(-10 * time.Millisecond).UnixNano()
	}
	return now.Nano()
}
