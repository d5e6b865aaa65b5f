// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

const onTerminal = `
local_resource('migrate', 'echo the data is at version 2')
local_resource('catalog', serve_cmd='echo listening; exec sleep 300', resource_deps=['migrate'])
local_resource('orders', serve_cmd='echo address already in use; sleep 0.2; exit 3')
local_resource('stubborn', serve_cmd='trap "" TERM; echo stays; while true; do sleep 0.1; done')
`

// console is a terminal on which a command runs, as an emulator shows it.
type console struct {
	t       *testing.T
	command *exec.Cmd
	master  *os.File
	tty     *os.File
	screen  *vt.SafeEmulator
	before  *term.State
	work    sync.WaitGroup

	mu  sync.Mutex
	raw bytes.Buffer
}

// onConsole starts a command on a terminal of 100 columns and 40 rows, in a directory with a Tiltfile.
func onConsole(t *testing.T, tiltfile string, env []string, args ...string) *console {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	c := &console{t: t, master: master, tty: tty, screen: vt.NewSafeEmulator(100, 40)}
	if err := pty.Setsize(tty, &pty.Winsize{Cols: 100, Rows: 40}); err != nil {
		t.Fatal(err)
	}
	if c.before, err = term.GetState(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Tiltfile"), []byte(tiltfile), 0o600); err != nil {
		t.Fatal(err)
	}
	c.command = exec.Command("tilt-session", args...)
	c.command.Dir = dir
	c.command.Stdin, c.command.Stdout, c.command.Stderr = tty, tty, tty
	c.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	c.command.Env = append(os.Environ(), "HOME="+dir, "KUBECONFIG=", "TILT_PORT=0", "TERM=xterm-256color", "LC_ALL=C.UTF-8",
		"CI=", "NO_COLOR=", "FORCE_COLOR=", "GITHUB_ACTIONS=", "GITLAB_CI=", "BUILDKITE=")
	c.command.Env = append(c.command.Env, env...)
	c.work.Go(func() { _, _ = io.Copy(c, master) })
	c.work.Go(func() { _, _ = io.Copy(master, c.screen) }) // Its answers to questions about the terminal.
	if err := c.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.command.Process.Kill()
		_ = c.command.Wait()
		_ = tty.Close()
		_ = master.Close()
		_ = c.screen.InputPipe().(io.Closer).Close()
		c.work.Wait()
		if t.Failed() {
			t.Logf("the screen:\n%s", c.text())
		}
	})
	return c
}

// Write takes what the command writes.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.raw.Write(p)
	c.mu.Unlock()
	return c.screen.Write(p)
}

func (c *console) written() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// text is what has scrolled away, then what's on the screen.
func (c *console) text() string {
	var b strings.Builder
	for y := range c.screen.ScrollbackLen() {
		for x := range c.screen.Width() {
			if cell := c.screen.ScrollbackCellAt(x, y); cell != nil {
				b.WriteString(cell.Content)
			}
		}
		b.WriteString("\n")
	}
	for y := range c.screen.Height() {
		for x := range c.screen.Width() {
			if cell := c.screen.CellAt(x, y); cell != nil {
				b.WriteString(cell.Content)
			}
		}
		b.WriteString("\n")
	}
	return regexp.MustCompile(` *\n`).ReplaceAllString(b.String(), "\n")
}

// shows waits until the screen has a text.
func (c *console) shows(want string) {
	c.t.Helper()
	until(c.t, fmt.Sprintf("the screen shows %q", want), func(context.Context) error {
		if !strings.Contains(c.text(), want) {
			return fmt.Errorf("it doesn't")
		}
		return nil
	})
}

func (c *console) press(keys string) {
	c.t.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) signal(s syscall.Signal) { _ = c.command.Process.Signal(s) }

// restored checks that the terminal is as it was.
func (c *console) restored() {
	c.t.Helper()
	until(c.t, "the terminal is as before", func(context.Context) error {
		after, err := term.GetState(int(c.tty.Fd()))
		switch {
		case err != nil:
			return err
		case !reflect.DeepEqual(after, c.before):
			return fmt.Errorf("its modes are %+v, were %+v", after, c.before)
		case c.screen.IsAltScreen():
			return fmt.Errorf("it shows the alternate screen")
		case c.screen.CursorHidden():
			return fmt.Errorf("its cursor is hidden")
		}
		return nil
	})
}

// ends waits for the end of the command, and checks what's left.
func (c *console) ends(code int) {
	c.t.Helper()
	_ = c.command.Wait()
	if got := c.command.ProcessState.ExitCode(); got != code {
		c.t.Errorf("exit code %d, want %d", got, code)
	}
	c.restored()
}

// TestEndingsOfTheLiveView ends the view in each way: the terminal is as before, and the report is all that's left.
func TestEndingsOfTheLiveView(t *testing.T) {
	for name, end := range map[string]func(c *console){
		"q":      func(c *console) { c.press("q"); c.shows("y/n"); c.press("y") },
		"Ctrl-C": func(c *console) { c.press("\x03") },
		"TERM":   func(c *console) { c.signal(syscall.SIGTERM) },
		"HUP":    func(c *console) { c.signal(syscall.SIGHUP) },
		"stream": func(c *console) {
			c.press("s")
			c.shows("catalog │ listening") // What was written before is printed too.
			c.restored()
			c.press("\x03")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := onConsole(t, onTerminal, nil, "up", "--kill-grace", "100ms")
			c.shows("orders     failed")
			c.shows("exit code 3: address already in use")
			end(c)
			c.ends(0)
			left := c.text()
			if strings.Contains(left, "? help") || strings.Contains(left, "WHY / LAST LINE") {
				t.Errorf("something of the view is left")
			}
			if name != "stream" && (!strings.Contains(left, "1) orders:serve failed") || !strings.Contains(left, "catalog:serve")) {
				t.Errorf("there's no report")
			}
		})
	}
}

// TestSecondCtrlC ends what doesn't want to end, at once.
func TestSecondCtrlC(t *testing.T) {
	t.Parallel()
	c := onConsole(t, onTerminal, nil, "up", "--kill-grace", "1h")
	c.shows("stubborn │ stays")
	c.press("\x03")
	c.shows("Ctrl-C ends it at once")
	c.restored()
	c.press("\x03")
	c.ends(0)
}

// TestSuspension stops the view and continues it, as a shell does.
func TestSuspension(t *testing.T) {
	t.Parallel()
	c := onConsole(t, onTerminal, nil, "up", "--kill-grace", "100ms")
	for range 2 {
		c.shows("? help")
		c.press("\x1a")
		until(t, "the process stops", func(context.Context) error {
			var status unix.WaitStatus
			if pid, err := unix.Wait4(c.command.Process.Pid, &status, unix.WUNTRACED|unix.WNOHANG, nil); pid == 0 || err != nil {
				return fmt.Errorf("it runs: %w", err)
			}
			return nil
		})
		c.restored()
		c.shows("What the run has started goes on")
		c.signal(syscall.SIGCONT)
	}
	c.shows("? help")
	c.press("\x03")
	c.ends(0)
}

// TestKeysAndSizes uses the view on screens of changing sizes.
func TestKeysAndSizes(t *testing.T) {
	t.Parallel()
	c := onConsole(t, onTerminal, []string{"NO_COLOR=1"}, "up", "--kill-grace", "100ms")
	c.shows("orders     failed")
	for i := range 20 {
		width, height := 40+5*i, 10+2*i
		c.screen.Resize(width, height)
		if err := pty.Setsize(c.tty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
			t.Fatal(err)
		}
	}
	c.shows("s stream") // The end of a long last line.
	c.press("f(?i)VERSION \\d\r")
	c.shows("scrolled")
	c.press("G/cata\r")
	until(t, "other rows are hidden", func(context.Context) error {
		if strings.Contains(c.text(), "orders     failed") {
			return fmt.Errorf("they aren't")
		}
		return nil
	})
	c.press("/\r")
	c.shows("orders     failed")
	c.press("jje") // disables catalog or its neighbour
	c.shows("disabled")
	c.press("?")
	c.shows("serves sessions.tilt.dev on https://")
	c.press("?d")
	c.shows("why ")
	c.press("\x03")
	c.ends(0)
	if colour := regexp.MustCompile(`\x1b\[([0-9]+;)*(3[0-8]|9[0-7])(;[0-9]+)*m`).FindString(c.written()); colour != "" {
		t.Errorf("NO_COLOR has %q", colour)
	}
}

// TestStatusOfCI draws a line below the lines of ci, and leaves nothing of it.
func TestStatusOfCI(t *testing.T) {
	const tiltfile = "local_resource('migrate', 'for i in 1 2 3; do echo line $i; done; until [ -e go ]; do sleep 0.1; done; " +
		"printf open; sleep 0.3; echo -end')\n"
	for _, test := range []struct {
		env   string
		drawn bool
	}{{"CI=", true}, {"CI=true", false}, {"TERM=dumb", false}} {
		t.Run(test.env, func(t *testing.T) {
			t.Parallel()
			c := onConsole(t, tiltfile, []string{test.env}, "ci")
			if test.drawn {
				c.shows("▸ migrate")
			}
			if err := os.WriteFile(filepath.Join(c.command.Dir, "go"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			c.ends(0)
			left := c.text()
			for _, line := range []string{"migrate │ line 1\n", "migrate │ line 3\n", "migrate │ open-end\n", "SUCCESS"} {
				if !strings.Contains(left, line) {
					t.Errorf("%q is missing", line)
				}
			}
			if strings.Contains(left, "▸") {
				t.Error("the line of status is left")
			}
			if !test.drawn && strings.Contains(c.written(), "\x1b[K") {
				t.Errorf("a line is erased")
			}
		})
	}
}
