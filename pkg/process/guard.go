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

// Guard is the body of a guard process. It reads registrations from r, the pipe
// that the Runner holds the other end of, and returns when the pipe ends and
// everything that was still registered has been killed. SIGINT, SIGTERM,
// SIGHUP and SIGQUIT are ignored from the call on, because whoever sends them to
// a whole terminal must not end the guard before what it guards.
//
// Registrations are lines: "=KEY" names the environment variable that all
// processes of the run have, "+GROUP" and "-GROUP" a group's start and end. Lines
// that can't be read are passed over and reported at the end.
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

// registrations are what a guard has to end.
type registrations struct {
	marker string
	// groups counts the registrations of each, because one that begins may have
	// the number of one whose end isn't reported yet.
	groups map[int]int
}

// readRegistrations returns what was registered and not taken back when r
// ended. A last line without a newline is no registration.
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

// apply takes one line. Groups 0 and 1 are refused: signals to them would go to the
// guard's own group and to every process there is.
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
