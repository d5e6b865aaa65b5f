// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// directory is a container whose root is a directory. Its commands are real ones, for which fail may have an error.
type directory struct {
	root string
	fail func(argv []string, stdin io.Reader) error

	mu       sync.Mutex
	commands [][]string
	equipped []string
}

var _ Container = (*directory)(nil)

func (d *directory) String() string { return "web-1/app" }

func (d *directory) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	d.mu.Lock()
	d.commands = append(d.commands, argv)
	d.mu.Unlock()
	if d.fail != nil {
		if err := d.fail(argv, stdin); err != nil {
			return err
		}
	}
	argv = append([]string(nil), argv...)
	for i, arg := range argv {
		argv[i] = strings.ReplaceAll(arg, "-C / ", "-C "+d.root+" ")
		if argv[0] == "rm" && strings.HasPrefix(arg, "/") {
			argv[i] = d.root + arg
		}
	}
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Dir, command.Stdin, command.Stdout, command.Stderr = d.root, stdin, stdout, stderr
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &ExitError{exit.ExitCode()}
	}
	return err
}

func (d *directory) Equip(_ context.Context, directories []string) (string, error) {
	d.equipped = append(d.equipped, strings.Join(directories, " "))
	return exec.LookPath("busybox")
}

type world struct {
	*testing.T
	*directory
	source string
	steps  model.LiveSteps
	store  *logs.Store
	stop   chan struct{}
	update Update
}

func newWorld(t *testing.T, entries ...string) *world {
	w := &world{T: t, directory: &directory{root: t.TempDir()}, source: tree(t, entries...), stop: make(chan struct{})}
	w.store = logs.New(1<<20, clock.RealClock{})
	w.steps.Syncs = []model.Sync{{Local: filepath.Join(w.source, "src"), Remote: "/app"}}
	return w
}

// run updates the container with changes.
func (w *world) run(changed ...string) error {
	w.update.Steps, w.update.Stop, w.update.Log = &w.steps, w.stop, engine.NewLog(w.store, "web")
	w.update.Files = nil
	for _, name := range changed {
		w.update.Files = append(w.update.Files, filepath.Join(w.source, name))
	}
	return w.update.Run(w.Context(), w.directory)
}

func (w *world) log() string {
	var b strings.Builder
	for _, line := range w.store.Tail("web", 1000) {
		b.WriteString(line.Text + "\n")
	}
	return strings.ReplaceAll(b.String(), w.source, "SOURCE")
}

func (w *world) want(err error, log string) {
	w.Helper()
	if err != nil {
		w.Error(err)
	}
	if got := w.log(); got != strings.TrimPrefix(log, "\n") {
		w.Errorf("the log is\n%s", got)
	}
}

func TestUpdate(t *testing.T) {
	w := newWorld(t, "src/a", "src/d/b", "src/l -> a")
	w.steps.Runs = []model.LiveRun{
		{Argv: []string{"sh", "-c", "cat app/a; echo; echo >&2 error"}},
		{Argv: []string{"sh", "-c", "echo quiet"}, EchoOff: true, Triggers: []string{filepath.Join(w.source, "src/gone")}},
		{Argv: []string{"false"}, Triggers: []string{filepath.Join(w.source, "src/never")}},
	}
	if err := os.MkdirAll(filepath.Join(w.root, "app/gone/deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.want(w.run("src/gone", "src/a", "src/d/b", "src/l"), `
Will delete 1 file(s) from container: [web-1/app]
- '/app/gone' (matched local path: 'SOURCE/src/gone')
Will copy 3 file(s) to container: [web-1/app]
- 'SOURCE/src/a' --> '/app/a'
- 'SOURCE/src/d/b' --> '/app/d/b'
- 'SOURCE/src/l' --> '/app/l'
[CMD 1/2] sh -c cat app/a; echo; echo >&2 error
src/a
error
quiet
  → Container web-1/app updated!
`)
	for _, name := range []string{"a", "d/b", "l"} {
		compare(t, filepath.Join(w.source, "src", name), filepath.Join(w.root, "app", name))
	}
	if _, err := os.Lstat(filepath.Join(w.root, "app/gone")); !os.IsNotExist(err) {
		t.Error("what is gone is still there")
	}
	if len(w.commands) != 4 {
		t.Errorf("commands %q", w.commands)
	}
}

func TestUpdateOfOneFileIsOneCommand(t *testing.T) {
	w := newWorld(t, "src/a")
	if err := w.run("src/a"); err != nil || len(w.commands) != 1 {
		t.Errorf("commands %q, %v", w.commands, err)
	}
}

func TestUpdatePrefix(t *testing.T) {
	w := newWorld(t, "src/a")
	w.steps.Runs = []model.LiveRun{{Argv: []string{"printf", `one\ntwo\nthree`}}}
	w.update.Prefix, w.update.Brief = "[web-1/app] ", true
	w.want(w.run("src/a"), `
Will copy 1 file(s) to container: [web-1/app]
[web-1/app] [CMD 1/1] printf one\ntwo\nthree
[web-1/app] one
[web-1/app] two
[web-1/app] three
  → Container web-1/app updated!
`)
}

func TestUpdateInitial(t *testing.T) {
	w := newWorld(t, "src/a", "src/b", "src/c.log")
	w.update.Initial = true
	w.update.Ignores = []model.IgnoreSet{{Base: w.source, Patterns: []string{"**/*.log"}}}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Join(w.root, "app")); err != nil || len(entries) != 2 {
		t.Errorf("the container has %v, %v", entries, err)
	}
}

func TestUpdateManyFiles(t *testing.T) {
	w := newWorld(t)
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("src/a file with a name that takes more in a URL %d", i))
	}
	if err := w.run(names...); err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, argv := range w.commands {
		length := 0
		for _, arg := range argv {
			length += len("&command=" + url.QueryEscape(arg))
		}
		if length > longestCommand+100 {
			t.Errorf("a command has %d bytes", length)
		}
		removed += len(argv) - 2
	}
	if removed != 1000 || !strings.Contains(w.log(), "\n- and 980 more\n") {
		t.Errorf("%d files are removed", removed)
	}
}

func TestUpdateFails(t *testing.T) {
	for name, test := range map[string]struct {
		fail func([]string, io.Reader) error
		runs string
		want string
		is   error
	}{
		"a command":     {nil, "exit 3", `container web-1/app: command "sh -c exit 3" exited with code 3`, nil},
		"it was killed": {nil, "exit 137", `container web-1/app: command "sh -c exit 137": exited with code 137`, nil},
		"gone": {func([]string, io.Reader) error { return fmt.Errorf("%w: it", ErrGone) }, "",
			"container web-1/app: tar: the container has ended: it", ErrGone},
		"permission": {func([]string, io.Reader) error { return &ExitError{2} }, "", "container web-1/app: tar: exited with code 2", nil},
		"no words":   {func([]string, io.Reader) error { return errors.New("oops") }, "", "container web-1/app: tar: oops", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "src/a")
			w.fail = test.fail
			if test.runs != "" {
				w.steps.Runs = []model.LiveRun{{Argv: []string{"sh", "-c", test.runs}}, {Argv: []string{"touch", "no"}}}
			}
			err := w.run("src/a")
			if err == nil || err.Error() != test.want || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("the error is %v, want %s", err, test.want)
			}
			var run *RunError
			if errors.As(err, &run) != (name == "a command") {
				t.Errorf("the error is a %T", err)
			}
			if _, err := os.Lstat(filepath.Join(w.root, "no")); err == nil {
				t.Error("the next command ran")
			}
		})
	}
}

// A local file that can't be read isn't the fault of the container.
func TestUpdateUnreadableFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root can read everything")
	}
	w := newWorld(t, "src/a")
	if err := os.Chmod(filepath.Join(w.source, "src/a"), 0); err != nil {
		t.Fatal(err)
	}
	if err := w.run("src/a"); !os.IsPermission(errors.Unwrap(err)) {
		t.Errorf("the error is %v", err)
	}
}

func TestHints(t *testing.T) {
	for said, want := range map[string]string{
		"tar: app/a: Cannot open: Permission denied":       deniedHint,
		"tar: can't open 'a': Read-only file system":       "mount a volume",
		"tar: write error: No space left on device":        "is full",
		"rm: can't remove '/app': Device or resource busy": "a volume is mounted there",
		"something else": "",
	} {
		err := explain(&directory{}, []string{"rm"}, &toolError{&ExitError{1}, said})
		if !strings.HasPrefix(err.Error(), "container web-1/app: rm: exited with code 1: "+said) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", said, err)
		}
	}
	if err := explain(&directory{}, []string{"rm"}, &toolError{&ExitError{137}, ""}); !strings.Contains(err.Error(), "memory limit") {
		t.Error(err)
	}
}

// The connection is lost in the middle, once.
func TestUpdateAgain(t *testing.T) {
	w := newWorld(t, "src/a", "src/b")
	calls := 0
	w.fail = func(_ []string, stdin io.Reader) error {
		if calls++; calls == 1 {
			_, _ = stdin.Read(make([]byte, 100))
			if err := os.Remove(filepath.Join(w.source, "src/b")); err != nil {
				t.Error(err)
			}
			return fmt.Errorf("%w: lost", ErrAway)
		}
		return nil
	}
	if err := w.run("src/a", "src/b"); err != nil {
		t.Fatal(err)
	}
	if log := w.log(); !strings.Contains(log, "  → Container web-1/app: tar: the container can't be reached: lost; trying again\n") ||
		!strings.Contains(log, "Will delete 1 file(s)") || len(w.commands) != 3 {
		t.Errorf("commands %q, log\n%s", w.commands, log)
	}
}

func TestUpdateWithoutTar(t *testing.T) {
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Skip("busybox isn't installed")
	}
	for name, failure := range map[string]error{
		"runc":   errors.New(`OCI runtime exec failed: exec: "sh": executable file not found in $PATH`),
		"crun":   errors.New("executable file `sh` not found in $PATH: No such file or directory: exec failed"),
		"docker": &ExitError{127},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "src/a")
			w.fail = func(argv []string, _ io.Reader) error {
				if argv[0] == "sh" || argv[0] == "rm" {
					return failure
				}
				return nil
			}
			if err := w.run("src/a"); err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join(w.source, "src/a"), filepath.Join(w.root, "app/a"))
			if w.update.Program == "" || len(w.equipped) != 1 || w.equipped[0] != "/app" {
				t.Errorf("program %q, brought %q", w.update.Program, w.equipped)
			}
			// The next update knows it.
			if err := w.run("src/a"); err != nil || len(w.equipped) != 1 || len(w.commands) != 3 {
				t.Errorf("%v, brought %q, commands %q", err, w.equipped, w.commands)
			}
		})
	}
}

func TestUpdateStops(t *testing.T) {
	w := newWorld(t, "src/a")
	w.fail = func([]string, io.Reader) error {
		close(w.stop)
		return nil
	}
	w.steps.Runs = []model.LiveRun{{Argv: []string{"true"}}}
	if err := w.run("src/a"); !errors.Is(err, ErrStopped) || len(w.commands) != 1 {
		t.Errorf("the error is %v after %q", err, w.commands)
	}
}
