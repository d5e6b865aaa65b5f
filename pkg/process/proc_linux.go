// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// stat is the part of /proc/PID/stat that tells where a process belongs.
type stat struct {
	state                  byte
	parent, group, session int
	// bare is set while there's no environment: in the middle of an exec, at the
	// end, and for the kernel's own.
	bare bool
}

// environEnd is the place of the address behind the environment in the fields
// after the name, counted from 0.
const environEnd = 48

// ended says whether the process has ended and waits to be reaped.
func (s stat) ended() bool { return s.state == 'Z' || s.state == 'X' }

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// parseStat reads "PID (NAME) STATE PARENT GROUP SESSION ...". The name may
// hold any character, also spaces and parentheses.
func parseStat(text string) (stat, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 4 {
		return stat{}, fmt.Errorf("malformed process status %q", text)
	}
	s := stat{state: fields[0][0]}
	for i, into := range []*int{&s.parent, &s.group, &s.session} {
		n, err := strconv.Atoi(fields[i+1])
		if err != nil {
			return stat{}, fmt.Errorf("malformed process status %q: %w", text, err)
		}
		*into = n
	}
	s.bare = len(fields) > environEnd && fields[environEnd] == "0"
	return s, nil
}

// awaitEnviron returns when a process isn't in the middle of an exec, during
// which its environment can't be read, or after a while.
func awaitEnviron(pid int) {
	for pause := firstLook; pause < 5*slowLook; pause *= 2 {
		if s, err := readStat(pid); err != nil || s.ended() || !s.bare {
			return
		}
		time.Sleep(pause)
	}
}

// environHas says whether the environment that a process was started with has an
// entry that begins with text, which may end in a zero byte to mean the whole
// entry. It can't be told of processes of other users, and those that
// have overwritten their environment don't have it any more.
func environHas(pid int, text string) bool {
	environ, err := os.ReadFile(procPath(pid, "environ"))
	return err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+text))
}

// adoptedProcesses returns the children of this process that the kernel handed
// to it, and some of those that it started itself. The kernel gives orphans to
// the first thread; where it doesn't list the children of threads, all
// processes are looked at.
func adoptedProcesses() []int {
	self := unix.Getpid()
	list, err := os.ReadFile(procPath(self, "task", strconv.Itoa(self), "children"))
	if errors.Is(err, os.ErrNotExist) {
		return childrenOf(self)
	}
	return numbers(strings.Fields(string(list)))
}

func childrenOf(parent int) []int {
	var children []int
	for _, pid := range allProcesses() {
		if s, err := readStat(pid); err == nil && s.parent == parent {
			children = append(children, pid)
		}
	}
	return children
}

// allProcesses returns the processes that can be seen, none without /proc.
func allProcesses() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return numbers(names)
}

func numbers(texts []string) []int {
	var ns []int
	for _, text := range texts {
		if n, err := strconv.Atoi(text); err == nil {
			ns = append(ns, n)
		}
	}
	return ns
}

func procPath(pid int, elem ...string) string {
	return filepath.Join(append([]string{"/proc", strconv.Itoa(pid)}, elem...)...)
}
