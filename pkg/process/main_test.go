// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// The test binary is also the guard, a process that dies with commands running, a process with a deadline, and a command that leaves its group
// but not its session. Each mode has a word as its only argument.
const (
	guardMode  = "be-the-guard"
	parentMode = "be-a-parent"
	groupMode  = "be-a-group"
	lateMode   = "be-late"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case guardMode:
			exitWith(Guard(os.Stdin))
		case parentMode:
			exitWith(runParent())
		case lateMode:
			exitWith(runLate())
		case groupMode:
			exitWith(runGroup())
		}
	}
	goleak.VerifyTestMain(m)
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runGroup leaves its group, prints its PID, and executes a program that waits.
func runGroup() error {
	if err := unix.Setpgid(0, 0); err != nil {
		return err
	}
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		return err
	}
	fmt.Println("detached", os.Getpid())
	return unix.Exec(sleep, []string{"sleep", "300"}, os.Environ())
}

// newRunner returns a Runner that the end of the test closes.
func newRunner(t testing.TB, options Options) *Runner {
	t.Helper()
	r, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// script is a Spec of a shell script that writes to out.
func script(dir, text string, out *buffer) Spec {
	return Spec{Argv: []string{"sh", "-c", text}, Dir: dir, Env: os.Environ(), Output: out}
}

// start launches a command that must be launched.
func start(t testing.TB, r *Runner, spec Spec) *Process {
	t.Helper()
	p, err := r.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wait waits for the end of a process.
func wait(t testing.TB, p *Process) Exit {
	t.Helper()
	select {
	case <-p.Done():
		return p.Exit()
	case <-time.After(patience):
		t.Fatalf("process %d has not ended", p.PID())
		return Exit{}
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// alive says whether a process exists, be it as a zombie.
func alive(pid int) bool { return unix.Kill(pid, 0) == nil }

// over says whether a process has ended, reaped by its parent or not.
func over(pid int) bool { return !alive(pid) || zombie(pid) }

// empty says whether a group has no process that hasn't ended.
func empty(group int) bool { return groupGone(group) || onlyZombies(group) }

// buffer is an Output that can be read at any time.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits for a complete line that begins with a word, and returns the rest.
func (b *buffer) await(t testing.TB, word string) string {
	t.Helper()
	var rest string
	eventually(t, "a line that begins with "+word, func() bool {
		for line := range strings.Lines(b.String()) {
			if after, ok := strings.CutPrefix(line, word); ok && strings.HasSuffix(line, "\n") {
				rest = strings.TrimSpace(after)
				return true
			}
		}
		return false
	})
	return rest
}

// awaitPID waits for a line of a word and a process number.
func (b *buffer) awaitPID(t testing.TB, word string) int {
	t.Helper()
	var pid int
	if _, err := fmt.Sscan(b.await(t, word), &pid); err != nil || pid < 2 {
		t.Fatalf("no process number after %s: %v in %q", word, err, b.String())
	}
	return pid
}
