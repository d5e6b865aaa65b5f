// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Guard is the body of a guard process. It reads registrations from r, a pipe from the Runner. When the pipe ends,
// it kills everything that is still registered and returns. When a deadline passes, it kills everything that is
// registered, and whatever is from then on, until a later deadline is set. It ignores SIGINT, SIGTERM, SIGHUP and
// SIGQUIT, because a signal to a whole terminal must not end the guard before the commands.
//
// Registrations are lines: "=KEY" names the environment variable of all processes of the run, "+GROUP" and "-GROUP"
// are the start and end of a group, "@NANOSECONDS" is a deadline as an Uptime. Guard skips malformed lines and returns
// an error for the first.
func Guard(r io.Reader) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	left, err := readRegistrations(r, registrations.kill)
	left.kill()
	return err
}

// kill kills everything that is registered.
func (g registrations) kill() {
	for group := range g.groups {
		signalGroup(group, syscall.SIGKILL)
	}
	if g.marker != "" {
		killMarked(g.marker)
	}
}

// registrations are the processes that a guard kills.
type registrations struct {
	marker string
	// groups counts the registrations of each group, because a new group may have
	// the number of one whose end isn't registered yet.
	groups map[int]int
	// deadline is an Uptime, 0 for none.
	deadline time.Duration
}

// readRegistrations returns what is still registered at the end of r. It ignores a last line without a newline. While
// the deadline has passed it calls late, for each line and every second.
func readRegistrations(r io.Reader, late func(registrations)) (registrations, error) {
	left := registrations{groups: map[int]int{}}
	var malformed error
	lines, result := scan(r)
	for {
		select {
		case line, more := <-lines:
			if !more {
				return left, errors.Join(malformed, *result)
			}
			if err := left.apply(line); malformed == nil {
				malformed = err
			}
		case <-left.look():
		}
		if left.deadline != 0 && Uptime() >= left.deadline {
			late(left)
		}
	}
}

// look returns a channel that receives when it is time to look at the clock.
func (g *registrations) look() <-chan time.Time {
	if g.deadline == 0 {
		return nil
	}
	left := g.deadline - Uptime()
	if left <= 0 {
		left = lateLook
	}
	return time.After(min(left, lateLook))
}

// scan returns the lines of r. Their end follows in the error, which is nil for a regular one.
func scan(r io.Reader) (<-chan string, *error) {
	lines, result := make(chan string), new(error)
	go func() {
		defer close(lines)
		for text := bufio.NewReader(r); ; {
			line, err := text.ReadString('\n')
			if err != nil {
				if !errors.Is(err, io.EOF) {
					*result = fmt.Errorf("read registrations: %w", err)
				}
				return
			}
			lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	return lines, result
}

// apply applies one line. It refuses groups 0 and 1: signals to them would reach
// the guard's own group or every process.
func (g *registrations) apply(line string) error {
	if key, ok := strings.CutPrefix(line, "="); ok && key != "" {
		g.marker = key
		return nil
	}
	if at, ok := strings.CutPrefix(line, "@"); ok {
		deadline, err := strconv.ParseInt(at, 10, 64)
		if err != nil || deadline <= 0 {
			return fmt.Errorf("malformed registration %q", line)
		}
		g.deadline = time.Duration(deadline)
		return nil
	}
	group, err := strconv.ParseUint(strings.TrimLeft(line, "+-"), 10, 31)
	switch {
	case err == nil && group > 1 && line == fmt.Sprintf("+%d", group):
		g.groups[int(group)]++
	case err == nil && group > 1 && line == fmt.Sprintf("-%d", group):
		if g.groups[int(group)]--; g.groups[int(group)] <= 0 {
			delete(g.groups, int(group))
		}
	default:
		return fmt.Errorf("malformed registration %q", line)
	}
	return nil
}

// registerTimeout is the longest time that a registration takes if the guard
// doesn't read. The pipe holds thousands of registrations.
const registerTimeout = time.Second

// guardian is the Runner's side of a guard process. Its methods do nothing on a nil pointer.
type guardian struct {
	pipe *os.File
	warn func(error)
	// launch is the goroutine that starts the process.
	launch sync.WaitGroup

	mu sync.Mutex
	// process is nil before the start, and after a failed start.
	process *os.Process
	// ended is set by end. The process is not started after that.
	ended bool
	// broken is set after a failed start or write.
	broken atomic.Bool
}

// startGuardian starts a guard in the background. It holds the launching lock until the process is known.
func startGuardian(options Options, marker string, null *os.File, launching *sync.RWMutex) (*guardian, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	g := &guardian{pipe: w, warn: options.Warn}
	g.write("=" + marker)
	g.launch.Go(func() {
		launching.RLock()
		defer launching.RUnlock()
		err := errors.Join(g.start(options, r, null), r.Close())
		if err != nil {
			g.fail(fmt.Errorf("start guard: %w", err))
		}
	})
	return g, nil
}

func (g *guardian) start(options Options, pipe, null *os.File) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return nil
	}
	env := MergeEnv(os.Environ(), options.GuardEnv)
	path, err := lookPath(options.Guard[0], "", env)
	if err != nil {
		return err
	}
	g.process, err = os.StartProcess(path, options.Guard, &os.ProcAttr{
		Env:   env,
		Files: []*os.File{pipe, null, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// add registers the start of a group, remove its end.
func (g *guardian) add(group int)    { g.write("+" + strconv.Itoa(group)) }
func (g *guardian) remove(group int) { g.write("-" + strconv.Itoa(group)) }

// deadline sets the Uptime at which all groups are killed.
func (g *guardian) deadline(at time.Duration) { g.write("@" + strconv.FormatInt(int64(at), 10)) }

// write sends one line. The system writes lines of this length as a whole.
func (g *guardian) write(line string) {
	if g == nil || g.broken.Load() {
		return
	}
	err := g.pipe.SetWriteDeadline(time.Now().Add(registerTimeout))
	if err == nil {
		_, err = g.pipe.WriteString(line + "\n")
	}
	if err != nil {
		g.fail(fmt.Errorf("guard process has ended, so commands would survive a crash: %w", err))
	}
}

// fail warns of the first failure.
func (g *guardian) fail(err error) {
	if g.broken.CompareAndSwap(false, true) && g.warn != nil {
		g.warn(err)
	}
}

// end kills the process and waits for it. No group may be left. Closing the pipe wouldn't end a starting process.
func (g *guardian) end() error {
	if g == nil {
		return nil
	}
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.launch.Wait()
	var err error
	if g.process != nil {
		_ = g.process.Kill() // It fails only if the process has ended.
		_, err = g.process.Wait()
	}
	return errors.Join(err, g.pipe.Close())
}
