// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc, see proc_pid_stat(5). It's the same on
// every architecture that Go knows.
const tick = time.Second / 100

// processAge is for how long this process has been running. Go doesn't tell: when
// main begins, a program of this size has loaded for longer than it takes from
// there to an API server.
func processAge() (time.Duration, error) {
	self, err := procfs.Self()
	if err != nil {
		return 0, err
	}
	stat, err := self.Stat()
	if err != nil {
		return 0, err
	}
	var sinceBoot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &sinceBoot); err != nil {
		return 0, err
	}
	return time.Duration(sinceBoot.Nano()) - time.Duration(stat.Starttime)*tick, nil
}
