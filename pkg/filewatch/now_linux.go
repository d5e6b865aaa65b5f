// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"time"

	"golang.org/x/sys/unix"
)

// fileNow is at most the modification time of the next file that is modified.
// The kernel stamps files by a clock that ticks a few hundred times a second.
func fileNow() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now); err != nil {
		return time.Now().Add(-10 * time.Millisecond).UnixNano()
	}
	return now.Nano()
}
