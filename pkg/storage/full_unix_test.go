// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package storage

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const enospc = syscall.ENOSPC

// alone is set for a process that runs nothing but one test.
const alone = "TILT_SESSION_TEST_ALONE"

// runAlone runs a test in a process of its own, because the test changes the process. It reports whether the caller is
// in that process.
func runAlone(t *testing.T, attributes *syscall.SysProcAttr, unavailable string) bool {
	t.Helper()
	if os.Getenv(alone) == t.Name() {
		return true
	}
	again := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), alone+"="+t.Name())
	again.SysProcAttr = attributes
	output, err := again.CombinedOutput()
	if err != nil && len(output) == 0 && unavailable != "" {
		t.Skip(unavailable, ": ", err)
	}
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, output)
	}
	return false
}

// TestFileAtItsLimit lets the process write no file larger than a limit.
func TestFileAtItsLimit(t *testing.T) {
	if !runAlone(t, nil, "") {
		return
	}
	dir := t.TempDir()
	backend := openFile(t, dir)
	pods, _ := openPods(t, backend, nil)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	limit(syscall.Rlimit{Cur: 1 << 20, Max: before.Max})
	defer limit(before)
	checkFull(t, backend, pods, func() { limit(before) })
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := openPods(t, openFile(t, dir), nil)
	if _, err := createPod(t, again, "last", 0); err == nil {
		t.Error("an object written after space was freed is missing after a restart")
	}
}
