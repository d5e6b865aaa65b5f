// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/model"
)

// When the system drops events, a comparison finds the changes.
func TestOverflow(t *testing.T) {
	p := newPlace(t)
	p.write("d/flood/x", "d/flood/y", "d/changed", "d/gone/a/b", "d/swapped/a", "d/same", "n/a", "d/link/a")
	p.check(os.Chmod(p.path("d/same"), 0o600))
	s := p.watch([]string{"d", "d/missing/file", "d/changed"})
	s.expect()
	p.w.mu.Lock()
	flood(t, p.path("d/flood"))
	p.write("d/changed", "d/new/deep/f", "d/missing/file")
	p.remove("d/gone")
	p.rename("d/swapped", "d/flood/elsewhere")
	p.rename("n", "d/swapped")
	p.remove("d/link")
	p.symlink("flood", "d/link")
	p.w.mu.Unlock()
	s.await("d/changed", "d/new/deep/f", "d/missing/file", "d/gone", "d/swapped/a", "d/flood/elsewhere/a", "d/link")
	if s.has("d/same") || s.has("d/flood/x") {
		t.Error("reported what wasn't changed")
	}
	s.drop()
	p.write("d/swapped/a", "d/flood/elsewhere/a", "d/new/deep/f", "d/missing/file")
	s.expect("d/swapped/a", "d/flood/elsewhere/a", "d/new/deep/f", "d/missing/file")
}

// flood makes the system lose events.
func flood(t testing.TB, dir string) {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Fatal(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	// One event each. Some thousand are on their way through fsnotify.
	for i := range most + 5000 {
		mode := os.FileMode(0o644 + i&2)
		if err := os.Chmod(filepath.Join(dir, []string{"x", "y"}[i&1]), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// What may not be read holds nothing else up, and is seen when it may.
func TestPermissionDenied(t *testing.T) {
	p := newPlace(t)
	p.write("d/a", "d/secret/x/y", "d/z/a")
	p.chmod("d/secret", 0)
	p.nextTick()
	s := &seen{p: p, paths: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		// The thread without the rights of a superuser ends with the goroutine.
		runtime.LockOSThread()
		if err := dropCapabilities(); err != nil {
			ended <- err
			return
		}
		ended <- p.w.Watch(ctx, model.Watch{Paths: []string{p.path("d"), p.path(".sync")}}, s.take)
	}()
	eventually(t, "the watch has begun", func() bool { return p.w.watches() > 0 })
	p.write("d/a", "d/z/a")
	_ = os.WriteFile(p.path("d/secret/x/y"), nil, 0o644) // only a superuser can
	s.await("d/a", "d/z/a")
	s.expect("d/a", "d/z/a")
	p.chmod("d/secret", 0o755)
	s.await("d/secret", "d/secret/x", "d/secret/x/y")
	s.drop()
	p.write("d/secret/x/y")
	s.expect("d/secret/x/y")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// dropCapabilities takes from the calling thread what a superuser may do.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return unix.Capset(&header, &make([]unix.CapUserData, 2)[0])
}

// limited is set in the environment of the test binary in a user namespace, where the limits are its own.
const limited = "FILEWATCH_TEST_LIMITED"

const notHere = "limits can't be set here"

// At the limit of watches, the error of Watch says how to raise it, and no directory remains watched.
func TestLimit(t *testing.T) {
	if dir := os.Getenv(limited); dir != "" {
		watchWithLimit(t, dir)
		return
	}
	p := newPlace(t)
	for i := range 50 {
		p.write(fmt.Sprintf("d/%d/f", i))
	}
	self, err := os.Executable()
	p.check(err)
	child := exec.Command(self, "-test.run=^TestLimit$", "-test.v")
	child.Env = append(os.Environ(), limited+"="+p.path("d"))
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := child.CombinedOutput()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOSPC) || strings.Contains(string(out), notHere) {
		t.Logf("%s: %v: %s", notHere, err, out)
		return
	}
	if err != nil || !strings.Contains(string(out), "limit reached") {
		t.Errorf("%v: %s", err, out)
	}
}

func watchWithLimit(t *testing.T, dir string) {
	if err := os.WriteFile("/proc/sys/user/max_inotify_watches", []byte("20"), 0); err != nil {
		t.Logf("%s: %v", notHere, err) // as in a container
		return
	}
	w, err := New(clock.RealClock{})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Watch(t.Context(), model.Watch{Paths: []string{dir}}, nil)
	if err == nil || strings.Contains(err.Error(), "no space left") || !strings.Contains(err.Error(), "sudo sysctl fs.inotify.max_user_watches=") {
		t.Errorf("got %v", err)
	}
	if n := w.watching(); n > 0 {
		t.Errorf("%d directories are still watched", n)
	}
	if err := os.WriteFile("/proc/sys/user/max_inotify_instances", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := New(clock.RealClock{}); err == nil || !strings.Contains(err.Error(), "fs.inotify.max_user_instances") {
		t.Errorf("got %v", err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	t.Log("limit reached")
}
