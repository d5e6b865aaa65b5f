// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// started is the start time of a process in clock ticks since boot, prefixed
// with the ID of the boot. The error is errEnded if the process has ended.
func started(pid int) (string, error) {
	proc, err := procfs.NewFS(procfs.DefaultMountPoint)
	if err != nil {
		return "", err
	}
	process, err := proc.Proc(pid)
	var stat procfs.ProcStat
	if err == nil {
		stat, err = process.Stat()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH), strings.Contains("ZXx", stat.State) && err == nil:
		return "", errEnded
	case err != nil:
		return "", err
	}
	boot, err := proc.SysctlStrings("kernel.random.boot_id")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return fmt.Sprintf("%s/%d", strings.Join(boot, ""), stat.Starttime), nil
}
