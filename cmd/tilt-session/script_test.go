// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/rogpeppe/go-internal/testscript"

	"tilt.dev/session/pkg/testing/port"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tilt-session": func() { os.Exit(run()) },
		"tilt":         func() { os.Exit(run()) },
		"without-ipv4": withoutIPv4,
	})
}

// TestScripts tells the stories in testdata/script. Each has a home directory and a port of its own, and fails if
// it leaves a process, a kubeconfig entry or a temporary file behind.
//
// With -short only the stories of the main paths are told.
func TestScripts(t *testing.T) {
	dir, files := "testdata/script", []string(nil)
	if testing.Short() {
		for _, name := range []string{"ci_success", "ci_failure", "exit_codes", "interrupt", "requests"} {
			files = append(files, filepath.Join(dir, name+".txtar"))
		}
		dir = ""
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		Files:               files,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Condition: func(name string) (bool, error) {
			if name == "networks" {
				return mayMakeNetworks(), nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"eventually": eventually,
			"grep-count": grepCount,
			"hold-port":  holdPort,
			"hold-lock":  holdLock,
			"log-in":     logIn,
			"listening":  listening,
			"gone":       gone,
			// A guard ends a moment after what it was to end.
			"eventually-gone": eventuallyGone,
		},
	})
}

// marker is the environment variable by which the processes of a story are found.
const marker = "STORY"

func setup(env *testscript.Env) error {
	reserved, err := port.Reserve()
	if err != nil {
		return err
	}
	env.Defer(reserved.Release)
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("TILT_PORT", strconv.Itoa(reserved.Number))
	env.Setenv("PORT", strconv.Itoa(reserved.Number))
	env.Setenv("KUBECONFIG", filepath.Join(home, ".tilt-dev", "config"))
	env.Setenv(marker, env.WorkDir)
	if err := hideTilt(env); err != nil {
		return err
	}
	env.Defer(func() {
		if left := processesOf(env.WorkDir); len(left) > 0 {
			env.T().Fatal(fmt.Sprintf("processes left behind: %v", left))
		}
	})
	return nil
}

// hideTilt takes the directory with all names of the program from PATH. A story that calls it tilt puts that of the
// variable TILT_DIR there.
func hideTilt(env *testscript.Env) error {
	program, err := exec.LookPath("tilt-session")
	if err != nil {
		return err
	}
	all, own := filepath.Dir(program), filepath.Join(env.WorkDir, ".bin")
	if err := os.Mkdir(own, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"tilt-session", "without-ipv4"} {
		if err := os.Symlink(filepath.Join(all, name), filepath.Join(own, name)); err != nil {
			return err
		}
	}
	env.Setenv("TILT_DIR", all)
	env.Setenv("PATH", strings.Replace(env.Getenv("PATH"), all, own, 1))
	return nil
}

// eventually runs a command until it succeeds and, with -match TEXT, prints the
// text: "eventually [-match TEXT] PROGRAM ARG...".
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	match := ""
	if len(args) > 1 && args[0] == "-match" {
		match, args = args[1], args[2:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually [-match TEXT] PROGRAM ARG...")
	}
	deadline := time.Now().Add(patience)
	for {
		err := ts.Exec(args[0], args[1:]...)
		out := ts.ReadFile("stdout")
		if err == nil && strings.Contains(out, match) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v never printed %q; last: %v\n%s%s", args, match, err, out, ts.ReadFile("stderr"))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// grepCount checks how often a text occurs in a file: "grep-count N TEXT FILE".
func grepCount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: grep-count N TEXT FILE")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[2]), args[1]); got != want {
		ts.Fatalf("%q occurs %d times in %s, want %d", args[1], got, args[2], want)
	}
}

// holdPort listens on a port until the story ends: "hold-port PORT".
func holdPort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold-port PORT")
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { l.Close() })
}

// holdLock keeps the lock of a file until the story ends: "hold-lock FILE".
func holdLock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold-lock FILE")
	}
	file := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	lock := flock.New(file)
	ts.Check(lock.Lock())
	ts.Defer(func() { lock.Close() })
}

// listening waits until something listens on a port: "listening PORT".
func listening(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listening PORT")
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nothing listens on port %s: %v", args[0], err)
		}
	}
}

// gone checks that no process of the story is left and that its temporary directory is empty: "gone".
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: gone")
	}
	checkGone(ts)
}

// eventuallyGone is for what ends after the one that the story waits for: "eventually-gone".
func eventuallyGone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: eventually-gone")
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if len(processesOf(ts.Getenv("WORK"))) == 0 {
			break
		}
	}
	checkGone(ts)
}

func checkGone(ts *testscript.TestScript) {
	if left := processesOf(ts.Getenv("WORK")); len(left) > 0 {
		ts.Fatalf("processes left behind: %v", left)
	}
	files, err := os.ReadDir(ts.Getenv("TMPDIR"))
	ts.Check(err)
	if len(files) > 0 {
		ts.Fatalf("temporary files left behind: %v", files)
	}
}

// processesOf lists the processes that carry the marker of a story.
func processesOf(story string) []string {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		return processesByPS(story)
	}
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !bytes.Contains(env, []byte(marker+"="+story+"\x00")) {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if len(cmdline) > 0 { // a zombie has none
			found = append(found, filepath.Base(dir)+" "+string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
		}
	}
	return found
}

func processesByPS(story string) []string {
	out, err := exec.Command("ps", "-axEww", "-o", "pid,command").Output()
	if err != nil {
		return []string{"ps: " + err.Error()}
	}
	var found []string
	for _, line := range strings.Split(string(out), "\n") {
		if strings.Contains(line, marker+"="+story) && !strings.Contains(line, "ps -axEww") {
			found = append(found, line)
		}
	}
	return found
}
