// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// Guard is the body of a guard process. It reads registrations from r, a pipe from the Runner. When the pipe ends,
// it kills everything that is still registered and returns. It ignores SIGINT, SIGTERM, SIGHUP and SIGQUIT, because
// a signal to a whole terminal must not end the guard before the commands.
//
// Registrations are lines: "=KEY" names the environment variable of all processes of the run, "+GROUP" and "-GROUP"
// are the start and end of a group. Guard skips malformed lines and returns an error for the first.
func Guard(r io.Reader) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	left, err := readRegistrations(r)
	for group := range left.groups {
		signalGroup(group, syscall.SIGKILL)
	}
	if left.marker != "" {
		killMarked(left.marker)
	}
	return err
}

// registrations are the processes that a guard kills.
type registrations struct {
	marker string
	// groups counts the registrations of each group, because a new group may have
	// the number of one whose end isn't registered yet.
	groups map[int]int
}

// readRegistrations returns what is still registered at the end of r. It ignores a last line without a newline.
func readRegistrations(r io.Reader) (registrations, error) {
	left := registrations{groups: map[int]int{}}
	var errs []error
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return left, errors.Join(errs...)
		}
		if err != nil {
			return left, errors.Join(append(errs, fmt.Errorf("read registrations: %w", err))...)
		}
		if err := left.apply(strings.TrimSuffix(line, "\n")); err != nil && len(errs) == 0 {
			errs = append(errs, err)
		}
	}
}

// apply applies one line. It refuses groups 0 and 1: signals to them would reach
// the guard's own group or every process.
func (g *registrations) apply(line string) error {
	if key, ok := strings.CutPrefix(line, "="); ok && key != "" {
		g.marker = key
		return nil
	}
	if len(line) < 2 {
		return fmt.Errorf("malformed registration %q", line)
	}
	group, err := strconv.ParseUint(line[1:], 10, 31)
	if err != nil || group < 2 {
		return fmt.Errorf("malformed registration %q", line)
	}
	switch line[0] {
	case '+':
		g.groups[int(group)]++
	case '-':
		g.remove(int(group))
	default:
		return fmt.Errorf("malformed registration %q", line)
	}
	return nil
}

func (g *registrations) remove(group int) {
	if g.groups[group] > 1 {
		g.groups[group]--
		return
	}
	delete(g.groups, group)
}
