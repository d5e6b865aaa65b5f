// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A grace that no test waits for.
const longGrace = time.Hour

func TestLeftoversAreKilled(t *testing.T) {
	r := newRunner(t, Options{})
	var out buffer
	p := start(t, r, script("", "trap '' TERM; sleep 300 & echo pid $!; exit 4", &out))
	if exit := wait(t, p); exit.Code != 4 {
		t.Error(exit)
	}
	if pid := out.awaitPID(t, "pid "); !over(pid) {
		t.Errorf("process %d is left of group %d", pid, p.PID())
	}
}

func TestStop(t *testing.T) {
	const (
		polite   = "exec 2>/dev/null; trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done"
		stubborn = "trap '' TERM; echo up; while :; do sleep 300; done"
	)
	for _, test := range []struct {
		name, script string
		stop         func(*Process)
		want         Exit
		output       string
	}{
		{"default", "echo up; exec sleep 300", func(p *Process) { p.Stop(longGrace) }, Exit{-1, "terminated"}, "up\n"},
		{"handler", polite, func(p *Process) { p.Stop(longGrace) }, Exit{5, ""}, "up\nbye\n"},
		{"grace runs out", stubborn, func(p *Process) { p.Stop(time.Millisecond) }, Exit{-1, "killed"}, "up\n"},
		{"at once", polite, func(p *Process) { p.Stop(0) }, Exit{-1, "killed"}, "up\n"},
		{"escalated", stubborn, func(p *Process) { p.Stop(longGrace); p.Stop(longGrace) }, Exit{-1, "killed"}, "up\n"},
		{"escalated by 0", stubborn, func(p *Process) { p.Stop(longGrace); p.Stop(0) }, Exit{-1, "killed"}, "up\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRunner(t, Options{})
			var out buffer
			p := start(t, r, script("", test.script, &out))
			out.await(t, "up")
			test.stop(p)
			if exit := wait(t, p); exit != test.want || out.String() != test.output {
				t.Errorf("got %+v and %q", exit, out.String())
			}
			if !empty(p.PID()) {
				t.Error("something of the group is left")
			}
			p.Stop(0)
			p.Stop(longGrace)
		})
	}
}

// When a stopped main process ends first, the others of its group still have the grace.
func TestStopGivesAllTheGrace(t *testing.T) {
	r := newRunner(t, Options{})
	var out buffer
	const child = `trap 'while kill -0 $PPID0 2>/dev/null; do sleep 0.01; done; echo bye; exit' TERM; echo up; while :; do sleep 0.01; done`
	p := start(t, r, script("", "PPID0=$$ sh -c '"+strings.ReplaceAll(child, "'", `'\''`)+"' & wait", &out))
	out.await(t, "up")
	p.Stop(longGrace)
	if exit := wait(t, p); exit.Signal != "terminated" {
		t.Error(exit)
	}
	out.await(t, "bye")
}

// A process that left the group and holds the pipe doesn't delay the end.
func TestDetachedHoldsThePipe(t *testing.T) {
	r := newRunner(t, Options{})
	var out buffer
	p := start(t, r, script(t.TempDir(), detach("sleep 300")+"; printf last", &out))
	if exit := wait(t, p); exit.Code != 0 {
		t.Error(exit)
	}
	pid := out.awaitPID(t, "detached ")
	if !strings.HasSuffix(out.String(), "last") {
		t.Errorf("got %q", out.String())
	}
	if !alive(pid) {
		t.Error("the detached process was ended")
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Error(err)
	}
}

// Nor does one that never stops writing.
func TestDetachedFloods(t *testing.T) {
	r := newRunner(t, Options{})
	var out buffer
	p := start(t, r, script(t.TempDir(), detach("yes"), &out))
	wait(t, p)
	pid := out.awaitPID(t, "detached ")
	eventually(t, "the flood ends with its pipe", func() bool { return over(pid) })
}

// detach is a script line that runs a program in a session of its own. The script continues once that session exists,
// and the program starts once its PID is written.
func detach(program string) string {
	return `mkfifo up go; setsid sh -c 'echo >up; read x <go; exec ` + program +
		`' & read x <up; echo detached $!; echo >go`
}

// Exited is true from the end of the main process, before Done is closed.
func TestExited(t *testing.T) {
	r := newRunner(t, Options{})
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	// Its output can't be handed over, so that Done isn't closed.
	spec := script("", "echo started; exec sleep 300", nil)
	spec.Output = &blocked{reader}
	p := start(t, r, spec)
	if p.Exited() {
		t.Error("it has ended before its time")
	}
	p.Stop(0)
	for deadline := time.Now().Add(patience); !p.Exited(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("its end isn't known")
		}
	}
	if err := writer.Close(); err != nil {
		t.Error(err)
	}
	wait(t, p)
	if !p.Exited() {
		t.Error("it hasn't ended any more")
	}
}

// blocked is a writer that waits until a pipe is closed.
type blocked struct{ until *os.File }

func (b *blocked) Write(p []byte) (int, error) {
	_, _ = b.until.Read(make([]byte, 1))
	return len(p), nil
}
