// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A daemon of an ended job runs until Close, then has the grace to end, and is no zombie afterwards.
func TestDetachedEndsWithClose(t *testing.T) {
	r := newRunner(t, Options{AdoptOrphans: true})
	dir := t.TempDir()
	program(t, dir+"/daemon", "#!/bin/sh\ntrap 'echo bye >>log; exit' TERM\necho up >>log\nwhile :; do sleep 0.01; done\n", 0o755)
	var out buffer
	p := start(t, r, script(dir, detach("./daemon >/dev/null 2>&1"), &out))
	wait(t, p)
	pid := out.awaitPID(t, "detached ")
	eventually(t, "the daemon is up", func() bool { return log(t, dir) == "up\n" })
	// The end of another command does not affect it.
	wait(t, start(t, r, script("", "true", &buffer{})))
	other := start(t, r, script("", "exec sleep 300", &buffer{}))
	other.Stop(longGrace)
	wait(t, other)
	if !alive(pid) {
		t.Error("the daemon has ended with its job")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if alive(pid) {
		t.Errorf("daemon %d is left", pid)
	}
	if got := log(t, dir); got != "up\nbye\n" {
		t.Errorf("the daemon wrote %q", got)
	}
}

func log(t testing.TB, dir string) string {
	t.Helper()
	text, err := os.ReadFile(dir + "/log")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// Close ends also what has erased its environment, and a tree of sessions.
func TestCloseFindsEveryOrphan(t *testing.T) {
	r := newRunner(t, Options{AdoptOrphans: true})
	dir := t.TempDir()
	var out buffer
	program(t, dir+"/inner", "#!/bin/sh\necho $$ >>log\nexec sleep 300\n", 0o755)
	program(t, dir+"/outer", "#!/bin/sh\ntrap '' TERM\nsetsid ./inner &\nsleep 300\n", 0o755)
	p := start(t, r, script(dir, detach("env -i ./outer"), &out))
	pid := out.awaitPID(t, "detached ")
	var inner int
	eventually(t, "the inner session is up", func() bool {
		n, err := fmt.Sscanln(log(t, dir), &inner)
		return n == 1 && err == nil
	})
	wait(t, p)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	for _, pid := range []int{pid, inner} {
		if alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
}

// A stopped command takes along what left its group, by setsid or setpgid.
func TestStopTakesDetachedAlong(t *testing.T) {
	r := newRunner(t, Options{AdoptOrphans: true})
	for name, text := range map[string]string{
		"session": detach("sleep 300") + "; echo up; sleep 300",
		"group":   os.Args[0] + " " + groupMode + " & echo up; sleep 300",
	} {
		var out, bystander buffer
		other := start(t, r, script(t.TempDir(), detach("sleep 300"), &bystander))
		wait(t, other)
		p := start(t, r, script(t.TempDir(), text, &out))
		out.await(t, "up")
		pid := out.awaitPID(t, "detached ")
		if group, err := unix.Getpgid(pid); err != nil || group == p.PID() {
			t.Errorf("%s: the detached process has the group %d: %v", name, group, err)
		}
		p.Stop(longGrace)
		wait(t, p)
		if alive(pid) {
			t.Errorf("%s: process %d is left", name, pid)
		}
		if !alive(bystander.awaitPID(t, "detached ")) {
			t.Errorf("%s: a process of another command was ended", name)
		}
	}
}

// A process that leaves the group while the group is being stopped delays nothing.
func TestLeavesWhileStopped(t *testing.T) {
	r := newRunner(t, Options{AdoptOrphans: true})
	var out buffer
	const child = `trap "while kill -0 $LEADER; do sleep 0.02; done; exec setsid sleep 300" TERM
		echo pid $$; while :; do sleep 0.01; done`
	p := start(t, r, script("", "LEADER=$$ sh -c '"+child+"' & wait", &out))
	pid := out.awaitPID(t, "pid ")
	p.Stop(longGrace)
	wait(t, p)
	if alive(pid) {
		t.Errorf("process %d is left", pid)
	}
}

// Orphans that end while commands run don't stay as zombies.
func TestOrphansAreReaped(t *testing.T) {
	r := newRunner(t, Options{AdoptOrphans: true})
	var out buffer
	start(t, r, script("", "(sh -c 'sleep 0.01; exit 3' & echo first $!); (setsid sh -c 'exit 3' & echo second $!); sleep 300", &out))
	for _, word := range []string{"first ", "second "} {
		pid := out.awaitPID(t, word)
		eventually(t, "the orphan is reaped", func() bool { return !alive(pid) })
	}
}

// Children that others started are theirs to wait for.
func TestForeignChildrenAreLeftAlone(t *testing.T) {
	newRunner(t, Options{AdoptOrphans: true})
	for range 50 {
		child, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "exit 3"}, &os.ProcAttr{})
		if err != nil {
			t.Fatal(err)
		}
		state, err := child.Wait()
		if err != nil || state.ExitCode() != 3 {
			t.Fatalf("%v: %v", state, err)
		}
	}
}

func TestNothingLeaks(t *testing.T) {
	use := func() {
		r := newRunner(t, Options{Guard: []string{os.Args[0], guardMode}, AdoptOrphans: true})
		for _, text := range []string{"true", "sleep 300 & setsid sleep 300 & true", "sleep 300"} {
			p := start(t, r, script("", text, &buffer{}))
			if text == "sleep 300" {
				p.Stop(longGrace)
			}
			wait(t, p)
		}
		if _, err := r.Start(Spec{Argv: []string{"/nope/x"}}); err == nil {
			t.Error("no error")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	use() // The runtime opens some files once.
	before := openFiles(t, os.Getpid())
	for range 5 {
		use()
	}
	if after := openFiles(t, os.Getpid()); !slices.Equal(before, after) {
		t.Errorf("open files before %q, after %q", before, after)
	}
	for _, pid := range childrenOf(os.Getpid()) {
		t.Errorf("child %d is left", pid)
	}
}

// What a running command takes is what its comment says.
func TestFootprint(t *testing.T) {
	const commands = 50
	r := newRunner(t, Options{AdoptOrphans: true})
	count := func() (files, goroutines int) {
		entries, err := os.ReadDir(procPath(os.Getpid(), "fd"))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries), runtime.NumGoroutine()
	}
	wait(t, start(t, r, script("", "true", &buffer{})))
	files, goroutines := count()
	for range commands {
		start(t, r, script("", "exec sleep 300", &buffer{}))
	}
	eventually(t, "three files and two goroutines for each command", func() bool {
		f, g := count()
		return f-files <= 3*commands && g-goroutines <= 2*commands
	})
}

// openFiles are the files of a process but for those that the runtime opens.
func openFiles(t *testing.T, pid int) []string {
	t.Helper()
	entries, err := os.ReadDir(procPath(pid, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, entry := range entries {
		to, err := os.Readlink(procPath(pid, "fd", entry.Name()))
		if err == nil && !strings.HasPrefix(to, "/proc/") && !strings.HasPrefix(to, "anon_inode:[event") {
			files = append(files, entry.Name()+" "+to)
		}
	}
	return files
}

// A guard isn't ended by what ends everything else in a terminal.
func TestGuardIgnoresSignals(t *testing.T) {
	r := newRunner(t, Options{Guard: []string{os.Args[0], guardMode}, Warn: func(err error) { t.Error(err) }})
	r.guard.launch.Wait()
	pid := r.guard.process.Pid
	signals := []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT}
	var mask uint64
	for _, s := range signals {
		mask |= 1 << (s - 1)
	}
	eventually(t, "the guard ignores signals", func() bool { return ignored(t, pid)&mask == mask })
	for _, s := range signals {
		if err := unix.Kill(pid, s); err != nil {
			t.Error(err)
		}
	}
	if session, err := unix.Getsid(pid); err != nil || session != pid {
		t.Errorf("the guard has session %d: %v", session, err)
	}
	pipe, err := os.Readlink(procPath(pid, "fd", "0"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range openFiles(t, pid) {
		if strings.HasSuffix(file, " "+pipe) && file != "0 "+pipe {
			t.Errorf("the guard has its pipe open as %s too", file)
		}
	}
	if zombie(pid) {
		t.Error("the guard was ended")
	}
}

// ignored returns the mask of signals that a process ignores.
func ignored(t *testing.T, pid int) uint64 {
	t.Helper()
	status, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "\nSigIgn:")
	var mask uint64
	if _, err := fmt.Sscanf(after, "%x", &mask); err != nil {
		t.Fatal(err)
	}
	return mask
}
