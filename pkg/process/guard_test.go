// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// runParent starts commands under a guard, prints their PIDs, and waits to be killed.
func runParent() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := New(Options{Guard: []string{self, guardMode}, AdoptOrphans: true})
	if err != nil {
		return err
	}
	text := "trap '' TERM HUP; sleep 300 & echo child $!; " + detach("sleep 300") + "; sleep 300"
	for range 3 {
		_, err = r.Start(Spec{Argv: []string{"sh", "-c", text}, Env: os.Environ(), Output: os.Stdout})
		if err != nil {
			return err
		}
		text = "env -i sleep 300 & echo child $!; echo detached $$; sleep 300"
	}
	r.guard.launch.Wait()
	fmt.Println("guard", r.guard.process.Pid)
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		select {}
	}
	panic("as the test wants it")
}

// After the sudden end of the process that started them, all commands end,
// their children too, and the guard itself.
func TestGuardAfterSuddenEnd(t *testing.T) {
	for name, end := range map[string]func(parent *exec.Cmd, stdin io.Writer) error{
		"kill":  func(parent *exec.Cmd, _ io.Writer) error { return parent.Process.Kill() },
		"quit":  func(parent *exec.Cmd, _ io.Writer) error { return parent.Process.Signal(unix.SIGQUIT) },
		"panic": func(_ *exec.Cmd, stdin io.Writer) error { _, err := io.WriteString(stdin, "x"); return err },
	} {
		t.Run(name, func(t *testing.T) { testSuddenEnd(t, end) })
	}
}

func testSuddenEnd(t *testing.T, end func(*exec.Cmd, io.Writer) error) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self, parentMode)
	parent.Dir = t.TempDir()
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	seen := map[string]int{}
	lines := bufio.NewScanner(stdout)
	for seen["child"] < 3 || seen["detached"] < 3 || seen["guard"] < 1 {
		if !lines.Scan() {
			t.Fatalf("the parent ended after %v: %v", seen, lines.Err())
		}
		var word string
		var pid int
		if _, err := fmt.Sscan(lines.Text(), &word, &pid); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		seen[word]++
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("process %d doesn't run", pid)
		}
	}
	if err := end(parent, stdin); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Error("the parent has ended in order")
	}
	eventually(t, "all are gone", func() bool {
		return !slices.ContainsFunc(pids, func(pid int) bool { return !over(pid) })
	})
}

func TestGuardEndsWithClose(t *testing.T) {
	r, err := New(Options{Guard: []string{os.Args[0], guardMode}, Warn: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, start(t, r, script("", "true", &buffer{})))
	r.guard.launch.Wait()
	pid := r.guard.process.Pid
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if alive(pid) {
		t.Errorf("guard %d is left", pid)
	}
}

// Without a guard commands run, and there is one warning.
func TestGuardFails(t *testing.T) {
	for _, test := range []struct {
		name, want string
		guard      []string
	}{
		{"can't be started", `start guard: exec: "nope-x": executable file not found in $PATH`, []string{"nope-x"}},
		{"dies", "guard process has ended, so commands would survive a crash: ", []string{"false"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			var warnings []string
			r := newRunner(t, Options{Guard: test.guard, Warn: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				warnings = append(warnings, err.Error())
			}})
			warned := func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(warnings) > 0
			}
			eventually(t, "a warning", func() bool {
				wait(t, start(t, r, script("", "true", &buffer{})))
				return warned()
			})
			wait(t, start(t, r, script("", "true", &buffer{})))
			mu.Lock()
			defer mu.Unlock()
			if len(warnings) != 1 || !strings.HasPrefix(warnings[0], test.want) {
				t.Errorf("got %q", warnings)
			}
		})
	}
}

func TestRegistrations(t *testing.T) {
	for _, test := range []struct {
		text, marker string
		groups       []int
		err          string
	}{
		{"", "", nil, ""},
		{"=KEY\n+12\n+13\n-12\n", "KEY", []int{13}, ""},
		{"+12\n+13", "", []int{12}, ""},
		{"+12\n-12\n+12\n", "", []int{12}, ""},
		{"+12\n+12\n-12\n", "", []int{12}, ""},
		{"+12\n+12\n-12\n-12\n", "", nil, ""},
		{"-12\n", "", nil, ""},
		{"+1\n+12\n", "", []int{12}, `malformed registration "+1"`},
		{"+0\n", "", nil, `malformed registration "+0"`},
		{"+-5\n", "", nil, `malformed registration "+-5"`},
		{"+99999999999999999999\n", "", nil, `malformed registration "+99999999999999999999"`},
		{"\nx\n+\n=\n+7\n", "", []int{7}, `malformed registration ""`},
		{"*12\n", "", nil, `malformed registration "*12"`},
		{"@5\n+12\n", "", []int{12}, ""},
		{"@0\n", "", nil, `malformed registration "@0"`},
		{"@x\n", "", nil, `malformed registration "@x"`},
	} {
		left, err := readRegistrations(strings.NewReader(test.text), func(registrations) {})
		groups := slices.Sorted(maps.Keys(left.groups))
		if left.marker != test.marker || !slices.Equal(groups, test.groups) {
			t.Errorf("%q: got %q %v", test.text, left.marker, groups)
		}
		if got := fmt.Sprint(errors.Join(err)); err != nil && got != test.err || err == nil && test.err != "" {
			t.Errorf("%q: got error %v, want %q", test.text, err, test.err)
		}
	}
}

// No text makes a guard signal its own group or all processes.
func FuzzRegistrations(f *testing.F) {
	f.Add("=KEY\n+12\n-12\n+1\n")
	f.Fuzz(func(t *testing.T, text string) {
		left, _ := readRegistrations(strings.NewReader(text), func(registrations) {})
		for group := range left.groups {
			if group < 2 {
				t.Errorf("group %d of %q", group, text)
			}
		}
	})
}
