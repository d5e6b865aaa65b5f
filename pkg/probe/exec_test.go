// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// newProber returns a Prober whose commands run in an empty directory.
func newProber(t *testing.T) *Prober {
	t.Helper()
	runner, err := process.New(process.Options{AdoptOrphans: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Prober{Start: runner.Start, Dir: t.TempDir(), Env: append(os.Environ(), "PROBED=yes")}
}

func shell(script string) model.Probe {
	return model.Probe{Exec: &model.ExecAction{Argv: []string{"sh", "-c", script}}}
}

func TestExec(t *testing.T) {
	prober := newProber(t)
	for _, test := range []struct {
		script string
		want   outcome
		text   string
	}{
		{"true", passed, "exit status 0"},
		{"echo fine", passed, "exit status 0: fine"},
		{"exit 3", failed, "exit status 3"},
		{"echo; echo '  no luck  '; echo second; exit 1", failed, "exit status 1: no luck"},
		{"echo oops >&2; exit 1", failed, "exit status 1: oops"},
		{"kill -KILL $$", failed, "signal: killed"},
		{"echo $PROBED; test -d . && exit 4", failed, "exit status 4: yes"},
		{"yes | head -c 1000000; exit 1", failed, "exit status 1: y"},
	} {
		if got, text := runCheck(t, prober, shell(test.script)); got != test.want || text != test.text {
			t.Errorf("%s: got %v %q, want %v %q", test.script, got, text, test.want, test.text)
		}
	}
	_, text := runCheck(t, prober, shell("pwd -P"))
	dir, err := filepath.EvalSymlinks(prober.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if text != "exit status 0: "+dir {
		t.Errorf("the command ran elsewhere: %q, want %s", text, dir)
	}
}

func TestExecThatCannotStart(t *testing.T) {
	probe := model.Probe{Exec: &model.ExecAction{Argv: []string{"nope-x"}}}
	got, text := runCheck(t, newProber(t), probe)
	if got != noResult || !strings.HasPrefix(text, `exec: "nope-x": executable file not found`) {
		t.Errorf("got %v %q", got, text)
	}
}

// A check that takes too long is killed with what it started.
func TestExecIsKilledWithItsGroup(t *testing.T) {
	prober := newProber(t)
	ctx, cancel := context.WithCancel(t.Context())
	check := prober.checkOf(shell("trap '' TERM; sleep 300 & echo $! >tmp; mv tmp pid; wait; sleep 300"))
	var running sync.WaitGroup
	running.Go(func() {
		if got, text := check.run(ctx); got != failed || text != "signal: killed" {
			t.Errorf("got %v %q", got, text)
		}
	})
	pid := awaitNumber(t, filepath.Join(prober.Dir, "pid"))
	if err := unix.Kill(pid, 0); err != nil {
		t.Errorf("the command's child: %v", err)
	}
	cancel()
	running.Wait()
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("process %d is left: %v", pid, err)
	}
}

// awaitNumber waits for a file with a number in it.
func awaitNumber(t *testing.T, path string) int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatalf("no %s", path)
	return 0
}
