// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A command that was being launched when the Runner died has no variables until its
// program executes, so the last looks are some time apart.
const (
	quietLooks   = 3
	betweenLooks = 10 * time.Millisecond
	mostLooks    = 200
)

// killMarked kills every process with the variable in its environment until
// none has turned up for a few looks in a row.
func killMarked(marker string) {
	refused := map[int]bool{}
	for look, quiet := 0, 0; look < mostLooks && quiet < quietLooks; look++ {
		quiet++
		for _, pid := range allProcesses() {
			if pid == os.Getpid() || refused[pid] || !environHas(pid, marker+"=") {
				continue
			}
			if err := unix.Kill(pid, unix.SIGKILL); err != nil {
				refused[pid] = true
				continue
			}
			quiet = 0
		}
		time.Sleep(betweenLooks)
	}
}
