// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadStat(t *testing.T) {
	proc, stat, err := readStat(os.Getpid())
	if err != nil || stat.PPID != os.Getppid() || stat.PGRP != unix.Getpgrp() || isZombie(stat) {
		t.Errorf("this process: %+v, %v", stat, err)
	}
	t.Setenv("SET_AFTER_THE_START", "x")
	for prefix, want := range map[string]bool{"PATH=": true, "PAT=": false, "SET_AFTER_THE_START=": false} {
		if got := environHas(proc, prefix, ""); got != want {
			t.Errorf("environment has %s: %v, want %v", prefix, got, want)
		}
	}
	if path := os.Getenv("PATH"); !environHas(proc, "PATH=", path) || environHas(proc, "PATH=", path+"x") {
		t.Errorf("environment doesn't have PATH=%s alone", path)
	}
}

// zombie reports whether a process has ended and waits to be reaped.
func zombie(pid int) bool {
	_, stat, err := readStat(pid)
	return err == nil && isZombie(stat)
}

func procPath(pid int, elem ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(pid)}, elem...)...)
}
