// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// startField is the place of the start time in /proc/PID/stat among the fields
// behind the program's name, of which the state is the first.
const startField = 19

// started is the start of a process in clock ticks since the boot, together
// with the boot. errEnded when it's gone or waits to be reaped.
func started(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return "", errEnded
	}
	if err != nil {
		return "", err
	}
	// The name is in parentheses and may hold any character itself.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) <= startField {
		return "", fmt.Errorf("read /proc/%d/stat: unexpected format %q", pid, stat)
	}
	if strings.ContainsAny(fields[0], "ZXx") {
		return "", errEnded
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[startField], nil
}
