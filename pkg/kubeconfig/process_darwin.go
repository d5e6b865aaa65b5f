// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// zombie is the state of a process that waits to be reaped.
const zombie = 5

// started is the start time of a process. The error is errEnded if the process has ended.
func started(pid int) (string, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	// An answer without a process is too short, which is reported as EIO.
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EIO) {
		return "", errEnded
	}
	if err != nil {
		return "", fmt.Errorf("look up process %d: %w", pid, err)
	}
	if info.Proc.P_stat == zombie {
		return "", errEnded
	}
	start := info.Proc.P_starttime
	return fmt.Sprintf("%d.%06d", start.Sec, start.Usec), nil
}
