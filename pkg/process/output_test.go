// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/logs"
)

func TestOutputToTheLastByte(t *testing.T) {
	r := newRunner(t, Options{})
	var out buffer
	const line = "0123456789abcdefghijklmnopqrstuvwxyz\n"
	p := start(t, r, script("", "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 5000000; echo end >&2; printf last", &out))
	wait(t, p)
	want := strings.Repeat(line, 5000000/len(line)+1)[:5000000] + "end\nlast"
	if got := out.String(); got != want {
		t.Errorf("got %d bytes, want %d, ending in %q", len(got), len(want), got[max(0, len(got)-20):])
	}
}

// All bytes that a command writes arrive in order.
func TestOutputInLines(t *testing.T) {
	r := newRunner(t, Options{})
	store := logs.New(8<<20, clock.RealClock{})
	out := store.Writer("x")
	spec := script("", `printf 'par'; sleep 0.01; printf 'tial\r\n'
		printf 'zero \000 byte\n\033[31mred\033[0m\nno \377\376 text\n10%%\r20%%\r\n'
		head -c 200000 /dev/zero | tr '\0' 'x'; printf '\n\nno end'`, nil)
	spec.Output = out
	wait(t, start(t, r, spec))
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	var got []string
	long := 0
	for _, line := range store.Tail("x", 100) {
		if rest := strings.TrimLeft(line.Text, "x"); rest == "" && line.Text != "" {
			long += len(line.Text)
			continue
		}
		got = append(got, line.Text)
	}
	want := []string{"partial", "zero \x00 byte", "\x1b[31mred\x1b[0m", "no \xff\xfe text", "10%\r20%", "", "no end"}
	if !slices.Equal(got, want) || long != 200_000 {
		t.Errorf("got %q and %d bytes of a long line, want %q", got, long, want)
	}
}

// gate is an Output that blocks until the test opens it.
type gate struct {
	open chan struct{}
	size int
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.size += len(p)
	return len(p), nil
}

// A slow Output delays the command and Done. It receives all output, also that of a killed command.
func TestSlowOutput(t *testing.T) {
	r := newRunner(t, Options{})
	out := &gate{open: make(chan struct{})}
	var marker buffer
	dir := t.TempDir()
	spec := script(dir, "echo x; head -c 20000 /dev/zero; touch written; exec sleep 300", &marker)
	spec.Output = out
	p := start(t, r, spec)
	eventually(t, "the command has written all", func() bool {
		_, err := os.Stat(dir + "/written")
		return err == nil
	})
	p.Stop(0)
	eventually(t, "the group is gone", func() bool { return empty(p.PID()) })
	select {
	case <-p.Done():
		t.Error("done before the output was delivered")
	default:
	}
	close(out.open)
	wait(t, p)
	if out.size != 20002 {
		t.Errorf("got %d bytes", out.size)
	}
}

// brokenOutput fails at its first Write and counts the others.
type brokenOutput struct{ writes int }

func (b *brokenOutput) Write([]byte) (int, error) {
	b.writes++
	return 0, errors.New("broken")
}

func TestBrokenOutput(t *testing.T) {
	r := newRunner(t, Options{})
	var out brokenOutput
	spec := script("", "head -c 5000000 /dev/zero && exit 7", nil)
	spec.Output = &out
	if exit := wait(t, start(t, r, spec)); exit.Code != 7 || out.writes != 1 {
		t.Errorf("%s after %d writes", exit, out.writes)
	}
}

func TestNoOutput(t *testing.T) {
	r := newRunner(t, Options{})
	spec := Spec{Argv: []string{"sh", "-c", "head -c 500000 /dev/zero && exit 7"}, Env: os.Environ()}
	if exit := wait(t, start(t, r, spec)); exit.Code != 7 {
		t.Error(exit)
	}
}

func BenchmarkOutput(b *testing.B) {
	r := newRunner(b, Options{})
	const size = 25 << 20
	b.SetBytes(size)
	for b.Loop() {
		p := start(b, r, Spec{Argv: []string{"head", "-c", "26214400", "/dev/zero"}, Env: os.Environ()})
		<-p.Done()
	}
}
