// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExit(t *testing.T) {
	r := newRunner(t, Options{})
	for _, test := range []struct {
		script string
		want   Exit
		text   string
	}{
		{"exit 0", Exit{}, "exit status 0"},
		{"exit 3", Exit{Code: 3}, "exit status 3"},
		{"exit 255", Exit{Code: 255}, "exit status 255"},
		{"kill -KILL $$", Exit{Code: -1, Signal: "killed"}, "signal: killed"},
		{"kill -TERM $$", Exit{Code: -1, Signal: "terminated"}, "signal: terminated"},
		{"kill -USR1 $$", Exit{Code: -1, Signal: "user defined signal 1"}, "signal: user defined signal 1"},
		{"nothing-of-this-name", Exit{Code: 127}, "exit status 127"},
	} {
		exit := wait(t, start(t, r, script("", test.script, &buffer{})))
		if exit != test.want || exit.String() != test.text {
			t.Errorf("%s: got %+v %q, want %+v %q", test.script, exit, exit, test.want, test.text)
		}
	}
}

func TestSurroundings(t *testing.T) {
	r := newRunner(t, Options{})
	var out buffer
	dir := t.TempDir()
	spec := script(dir, `pwd -P; cat; echo "$A $B"; env | grep -c ^TILT_SESSION_RUN_`, &out)
	spec.Env = append(os.Environ(), "A=old", "B=b=b", "A=new", "PWD=")
	p := start(t, r, script(dir, "exec sleep 300", &buffer{}))
	if session, err := unix.Getsid(p.PID()); err != nil || session != p.PID() {
		t.Errorf("session %d of process %d: %v", session, p.PID(), err)
	}
	if group, err := unix.Getpgid(p.PID()); err != nil || group != p.PID() {
		t.Errorf("group %d of process %d: %v", group, p.PID(), err)
	}
	wait(t, start(t, r, spec))
	lines := strings.Split(out.String(), "\n")
	want := []string{realPath(t, dir), "new b=b", "1", ""}
	if strings.Join(lines, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", lines, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRunner(t, Options{})
	const n = 200
	var outs [n]buffer
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			p, err := r.Start(script("", "echo "+strconv.Itoa(i)+"; exit "+strconv.Itoa(i%100), &outs[i]))
			if err != nil {
				t.Error(err)
				return
			}
			if exit := wait(t, p); exit.Code != i%100 {
				t.Errorf("%d: %s", i, exit)
			}
		})
	}
	all.Wait()
	for i := range n {
		if got, want := outs[i].String(), strconv.Itoa(i)+"\n"; got != want {
			t.Errorf("%d wrote %q", i, got)
		}
	}
}

func TestCloseAmongStarts(t *testing.T) {
	r := newRunner(t, Options{})
	var all sync.WaitGroup
	var mu sync.Mutex
	var pids []int
	refused := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				p, err := r.Start(script("", "trap '' TERM; sleep 300 & sleep 300", &buffer{}))
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				pids = append(pids, p.PID())
				if len(pids) == 20 {
					close(refused)
				}
				mu.Unlock()
			}
		})
	}
	<-refused
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	for _, pid := range pids {
		if !empty(pid) {
			t.Errorf("group %d is left", pid)
		}
	}
}

func TestCloseAgain(t *testing.T) {
	r := newRunner(t, Options{})
	p := start(t, r, script("", "sleep 300", &buffer{}))
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if exit := wait(t, p); exit.Signal != "killed" {
		t.Error(exit)
	}
	if _, err := r.Start(script("", "true", &buffer{})); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
}

func BenchmarkTrue(b *testing.B) {
	for name, options := range map[string]Options{"plain": {}, "adopt": {AdoptOrphans: true}} {
		b.Run(name, func(b *testing.B) {
			r := newRunner(b, options)
			spec := Spec{Argv: []string{"true"}, Env: os.Environ()}
			for b.Loop() {
				<-start(b, r, spec).Done()
			}
		})
	}
}

func BenchmarkTrueParallel(b *testing.B) {
	r := newRunner(b, Options{AdoptOrphans: true})
	spec := Spec{Argv: []string{"true"}, Env: os.Environ()}
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			p, err := r.Start(spec)
			if err != nil {
				b.Error(err)
				return
			}
			<-p.Done()
		}
	})
}
