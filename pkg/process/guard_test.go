// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// runParent starts commands under a guard, tells their numbers, and waits to be
// killed.
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
	select {}
}

// After SIGKILL of the process that started them, all commands end, their
// children too, and the guard itself.
func TestGuardAfterKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self, parentMode)
	parent.Dir = t.TempDir()
	parent.Stderr = os.Stderr
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
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // It was killed.
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

// Without a guard commands run all the same, and one warning says so.
func TestGuardFails(t *testing.T) {
	for _, test := range []struct {
		name, want string
		guard      []string
	}{
		{"can't be started", `start guard: exec: "nope-x": executable file not found in $PATH`, []string{"nope-x"}},
		{"dies", "guard is gone, commands would survive a crash: ", []string{"false"}},
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
	} {
		left, err := readRegistrations(strings.NewReader(test.text))
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
		left, _ := readRegistrations(strings.NewReader(text))
		for group := range left.groups {
			if group < 2 {
				t.Errorf("group %d of %q", group, text)
			}
		}
	})
}
