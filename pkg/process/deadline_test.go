// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runLate starts a command under a deadline that the line on its input moves, and is to be stopped by a signal.
func runLate() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r, err := New(Options{Guard: []string{self, guardMode}})
	if err != nil {
		return err
	}
	r.guard.launch.Wait()
	r.SetDeadline(Uptime() + time.Hour)
	sleep, err := r.Start(Spec{Argv: []string{"sleep", "300"}, Env: os.Environ()})
	if err != nil {
		return err
	}
	r.SetDeadline(Uptime() + 500*time.Millisecond)
	fmt.Println("started", sleep.PID())
	<-sleep.Done()
	_, err = r.Start(Spec{Argv: []string{"true"}, Env: os.Environ()})
	fmt.Println(sleep.Exit(), errors.Is(err, ErrLate))
	r.SetDeadline(Uptime() + time.Hour)
	p, err := r.Start(Spec{Argv: []string{"true"}, Env: os.Environ()})
	if err != nil {
		return err
	}
	fmt.Println(p.Exit())
	return r.Close()
}

// A process that is stopped can't end its commands: the guard does, when the deadline passes.
func TestDeadlineOfAStoppedProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self, lateMode)
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	var pid int
	if _, err := fmt.Fscanf(lines, "started %d\n", &pid); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the command is killed", func() bool { return over(pid) })
	if err := parent.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if want := "signal: killed true\nexit status 0\n"; err != nil || string(rest) != want {
		t.Errorf("the process printed %q, want %q (%v)", rest, want, err)
	}
	if err := parent.Wait(); err != nil {
		t.Error(err)
	}
}

func TestLateRegistrationsAreKilled(t *testing.T) {
	r, w := io.Pipe()
	killed := make(chan registrations)
	done := make(chan error)
	go func() {
		_, err := readRegistrations(r, func(g registrations) { killed <- g })
		done <- err
	}()
	fmt.Fprintf(w, "+12\n@%d\n", Uptime())
	if g := <-killed; g.groups[12] != 1 {
		t.Errorf("killed %v", g.groups)
	}
	fmt.Fprint(w, "+13\n")
	if g := <-killed; g.groups[13] != 1 {
		t.Errorf("killed %v", g.groups)
	}
	fmt.Fprintf(w, "@%d\n+14\n", Uptime()+time.Hour)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	select {
	case g := <-killed:
		t.Errorf("killed %v after the deadline was moved", g.groups)
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	}
}
