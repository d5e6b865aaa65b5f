// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"tilt.dev/session/pkg/tiltfile/builtins"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// commands runs commands for real, and counts those that fetch from a server.
type commands struct {
	mu      sync.Mutex
	fetches int
	server  string
}

func (c *commands) Run(ctx context.Context, command builtins.Command) error {
	if strings.Contains(strings.Join(command.Argv, " "), c.server) {
		c.mu.Lock()
		c.fetches++
		c.mu.Unlock()
	}
	run := exec.CommandContext(ctx, command.Argv[0], command.Argv[1:]...)
	run.Dir, run.Env, run.Stdout, run.Stderr = command.Dir, command.Env, command.Stdout, command.Stderr
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	run.Cancel = func() error { return syscall.Kill(-run.Process.Pid, syscall.SIGKILL) }
	return run.Run()
}

// world is a server with one repository, and the home directory of a user.
type world struct {
	*testing.T
	*commands
	// origin is the repository on the server.
	origin string
	env    []string
	log    []string
}

const location = "h.example/org/repo"

func newWorld(t *testing.T) *world {
	t.Helper()
	server, home := t.TempDir(), t.TempDir()
	w := &world{T: t, commands: &commands{server: server}, origin: filepath.Join(server, location)}
	w.env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME=", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b",
		ModeVariable+"=", MirrorVariable+"=file://"+server)
	w.git(server, "init", "--quiet", "--initial-branch=trunk", w.origin)
	w.write("1")
	return w
}

// git runs git in a directory and returns what it prints.
func (w *world) git(dir string, args ...string) string {
	w.Helper()
	command := exec.Command("git", args...)
	command.Dir, command.Env = dir, w.env
	out, err := command.CombinedOutput()
	if err != nil {
		w.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// write commits a version of the extension a to the server, and returns the commit.
func (w *world) write(version string) string {
	w.Helper()
	path := filepath.Join(w.origin, "a", "Tiltfile")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(version), 0o644)); err != nil {
		w.Fatal(err)
	}
	w.git(w.origin, "add", ".")
	w.git(w.origin, "commit", "--quiet", "-m", version)
	return w.git(w.origin, "rev-parse", "HEAD")
}

// store returns the store of the user, with further variables.
func (w *world) store(env ...string) *Store {
	w.Helper()
	s, err := NewStore(w.commands, append(w.env, env...), func(line string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.log = append(w.log, line)
	})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func (w *world) repository(ref string) Repository {
	w.Helper()
	r, err := NewRepository("https://"+location, ref)
	if err != nil {
		w.Fatal(err)
	}
	return r
}

// requireVersion checks which version the directory of a repository has, and that nothing else is beside it.
func (w *world) requireVersion(s *Store, ref, want string) {
	w.Helper()
	dir, err := s.Directory(w.Context(), w.repository(ref))
	if err != nil {
		w.Fatalf("at %q: %v", ref, err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "a", "Tiltfile"))
	if err != nil || string(got) != want {
		w.Errorf("at %q: got %s, %v, want %s", ref, got, err, want)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*.tmp")); len(left) > 0 {
		w.Errorf("left: %v", left)
	}
}

func requireError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q in it", err, part)
		}
	}
}

func TestDirectory(t *testing.T) {
	w := newWorld(t)
	first := w.git(w.origin, "rev-parse", "HEAD")
	w.git(w.origin, "tag", "v1")
	w.git(w.origin, "branch", "old/one")
	w.write("2")
	s := w.store()
	w.requireVersion(s, "", "2")
	w.requireVersion(s, "HEAD", "2")
	if want := filepath.Join(s.Root, location); w.git(want, "remote", "get-url", "origin") != "https://"+location {
		t.Error("the remote isn't the repository's URL")
	}
	w.write("3")
	w.requireVersion(s, "", "2")
	w.requireVersion(w.store(), "", "2")
	if w.fetches != 1 {
		t.Errorf("fetched %d times, want once", w.fetches)
	}
	for _, ref := range []string{"v1", "old/one", "refs/tags/v1", first, first[:8]} {
		w.requireVersion(s, ref, "1")
		w.requireVersion(w.store(ModeVariable+"=offline"), ref, "1")
	}
	w.requireVersion(s, "trunk", "2") // It is in the clone.
	w.requireVersion(s, "", "2")
	_, err := s.Directory(t.Context(), w.repository("none"))
	requireError(t, err, "fetch the extension repository h.example/org/repo@none: it has ", `no branch, tag or commit "none"`)
}

// TestCloneOfTilt uses a whole clone, as Tilt makes it, without the network.
func TestCloneOfTilt(t *testing.T) {
	w := newWorld(t)
	first := w.git(w.origin, "rev-parse", "HEAD")
	w.git(w.origin, "tag", "v1")
	w.write("2")
	s := w.store(ModeVariable+"=offline", MirrorVariable+"=https://mirror.invalid")
	dir := filepath.Join(s.Root, location)
	w.git("/", "clone", "--quiet", w.origin, dir)
	w.requireVersion(s, "", "2")
	s = w.store(MirrorVariable + "=https://mirror.invalid")
	for _, ref := range []string{"v1", first, first[:7]} {
		w.requireVersion(s, ref, "1")
	}
	if head := w.git(dir, "symbolic-ref", "HEAD"); head != "refs/heads/trunk" || w.fetches != 0 {
		t.Errorf("the clone is at %s, %d fetches", head, w.fetches)
	}
}

func TestOffline(t *testing.T) {
	w := newWorld(t)
	s := w.store(ModeVariable + "=offline")
	_, err := s.Directory(t.Context(), w.repository("v1"))
	requireError(t, err, "TILT_SESSION_EXTENSIONS=offline", "tilt-session extensions update h.example/org/repo@v1",
		filepath.Join(s.Root, location+"@v1"), "tilt_modules/h.example/org/repo beside the Tiltfile")
	_, _, err = s.Update(t.Context(), w.repository(""))
	requireError(t, err, "TILT_SESSION_EXTENSIONS=offline forbids the network")
	if _, err := os.Stat(s.Root); !errors.Is(err, os.ErrNotExist) || w.fetches != 0 {
		t.Errorf("the store was changed: %v, %d fetches", err, w.fetches)
	}
}

func TestUnreachable(t *testing.T) {
	w := newWorld(t)
	s := w.store(MirrorVariable + "=file:///no/such/server/")
	_, err := s.Directory(t.Context(), w.repository(""))
	requireError(t, err, "git: exit status 128: fatal:", "Connect to the network", "check TILT_SESSION_EXTENSIONS_MIRROR, "+
		"which must lead to it as file:///no/such/server/h.example/org/repo")
	s = w.store(MirrorVariable + "=http://u:secret@127.0.0.1:1")
	_, err = s.Directory(t.Context(), w.repository(""))
	requireError(t, err, "which must lead to it as http://u:xxxxx@127.0.0.1:1/h.example/org/repo")
	if strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
	s = w.store(MirrorVariable+"=", "GIT_ALLOW_PROTOCOL=file")
	_, err = s.Directory(t.Context(), w.repository("v1"))
	requireError(t, err, "transport 'https' not allowed",
		"set TILT_SESSION_EXTENSIONS_MIRROR to the URL of a server that has it as h.example/org/repo")
	w.requireVersion(w.store(), "", "1")
}

// TestSilentServer has a server that accepts connections and never answers.
func TestSilentServer(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := w.store(MirrorVariable+"=http://"+listener.Addr().String(), "GIT_HTTP_LOW_SPEED_TIME=1")
	_, err = s.Directory(t.Context(), w.repository(""))
	requireError(t, err, "fetch the extension repository h.example/org/repo", "Operation too slow")
}

func TestDamage(t *testing.T) {
	w := newWorld(t)
	s := w.store()
	dir := filepath.Join(s.Root, location)
	// What a clone that was killed leaves.
	w.git("/", "init", "--quiet", dir)
	left := hidden(dir, ".1.tmp")
	if err := os.MkdirAll(filepath.Join(left, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	w.requireVersion(s, "", "1")

	first := w.git(dir, "rev-parse", "HEAD")
	w.requireVersion(s, first, "1")
	second := w.write("2")
	moved := filepath.Join(s.Root, location+"@"+first)
	w.git(moved, "fetch", "--quiet", w.origin, second)
	w.git(moved, "checkout", "--quiet", second)
	_, err := s.Directory(t.Context(), w.repository(first))
	requireError(t, err, moved, "it is at another commit than its ref", second)

	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Directory(t.Context(), w.repository(""))
	requireError(t, err, dir+" is not a clone of the extension repository h.example/org/repo; remove it")
	_, _, err = s.Update(t.Context(), w.repository(""))
	requireError(t, err, "is not a clone")
}

// TestGitOfAHook runs where the environment leads git to another repository.
func TestGitOfAHook(t *testing.T) {
	w := newWorld(t)
	w.requireVersion(w.store("GIT_DIR=/nowhere", "GIT_WORK_TREE=/nowhere", "GIT_INDEX_FILE=/nowhere/index"), "trunk", "1")
}

func TestParallel(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for range 4 {
		s := w.store()
		all.Go(func() {
			if _, err := s.Directory(t.Context(), w.repository("")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if w.requireVersion(w.store(), "", "1"); w.fetches != 1 {
		t.Errorf("fetched %d times, want once", w.fetches)
	}
}

// TestStopped cancels a fetch that hangs, and one that waits for it.
func TestStopped(t *testing.T) {
	w := newWorld(t)
	bin, started := t.TempDir(), filepath.Join(t.TempDir(), "started")
	if err := syscall.Mkfifo(started, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nmkdir -p \"$HOME\"\necho started > " + started + "\nexec sleep 1000\n"
	if err := os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithCancelCause(t.Context())
	failures := make(chan error, 2)
	s := w.store()
	for range 2 {
		go func() {
			_, err := s.Directory(ctx, w.repository(""))
			failures <- err
		}()
	}
	if _, err := os.ReadFile(started); err != nil {
		t.Fatal(err)
	}
	stopped := errors.New("stopped")
	cancel(stopped)
	for range 2 {
		if err := <-failures; !errors.Is(err, stopped) {
			t.Errorf("got %v, want %v", err, stopped)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.Root, "*/*/.*.tmp")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestUpdate(t *testing.T) {
	w := newWorld(t)
	s := w.store()
	update := func(ref string) (before, after string) {
		t.Helper()
		before, after, err := s.Update(t.Context(), w.repository(ref))
		if err != nil {
			t.Fatalf("at %q: %v", ref, err)
		}
		return before, after
	}
	first := w.git(w.origin, "rev-parse", "HEAD")
	if before, after := update(""); before != "" || after != first {
		t.Errorf("got %s and %s, want none and %s", before, after, first)
	}
	w.requireVersion(s, "trunk", "1")
	w.requireVersion(s, first, "1")
	second := w.write("2")
	for _, ref := range []string{"", "trunk"} {
		w.requireVersion(s, ref, "1")
		if before, after := update(ref); before != first || after != second {
			t.Errorf("at %q: got %s and %s, want %s and %s", ref, before, after, first, second)
		}
		w.requireVersion(s, ref, "2")
	}
	if before, after := update(first); before != first || after != first {
		t.Errorf("a commit was updated from %s to %s", before, after)
	}
	// What Python writes beside its modules doesn't count.
	dir := filepath.Join(s.Root, location)
	if err := os.WriteFile(filepath.Join(dir, "untracked"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	update("")
	if err := os.WriteFile(filepath.Join(dir, "a", "Tiltfile"), []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Update(t.Context(), w.repository(""))
	requireError(t, err, dir+" has changes that are not committed")
	w.requireVersion(s, "", "mine")
}

func TestList(t *testing.T) {
	w := newWorld(t)
	s := w.store()
	if clones, problems, err := s.List(t.Context()); len(clones)+len(problems) > 0 || err != nil {
		t.Errorf("nothing lists %v, %v, %v", clones, problems, err)
	}
	w.git(w.origin, "branch", "a/b")
	w.requireVersion(s, "", "1")
	w.requireVersion(s, "a/b", "1")
	w.git("/", "init", "--quiet", filepath.Join(s.Root, "h.example", "empty"))
	clones, problems, err := s.List(t.Context())
	if err != nil || len(problems) != 1 || len(clones) != 2 {
		t.Fatalf("got %v, %v, %v", clones, problems, err)
	}
	requireError(t, problems[0], "has no commit")
	for i, want := range []Repository{w.repository(""), w.repository("a/b")} {
		if clones[i].Repository != want || len(clones[i].Commit) != 40 || len(clones[i].Date) != len("2026-01-02") {
			t.Errorf("got %+v, want %+v", clones[i], want)
		}
	}
}

func TestVendored(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"tilt_modules/github.com/o/r/sub/a", "tilt_modules/old"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "Tiltfile"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ url, path, want string }{
		{"https://github.com/o/r", "sub/a", "tilt_modules/github.com/o/r"},
		{"https://github.com/o/r", "a", ""},
		{"https://github.com/o/r", "old", ""},
		{DefaultURL, "old", "tilt_modules"},
		{DefaultURL, "new", ""},
	} {
		r, err := NewRepository(c.url, "")
		if err != nil {
			t.Fatal(err)
		}
		if c.want != "" {
			c.want = filepath.Join(dir, c.want)
		}
		if got := Vendored(dir, r, c.path); got != c.want {
			t.Errorf("%s of %s: got %q, want %q", c.path, c.url, got, c.want)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		environ []string
		want    Settings
		err     string
	}{
		{environ: []string{"XDG_DATA_HOME=/d"}, want: Settings{Root: "/d/tilt-dev/tilt_modules"}},
		{
			environ: []string{"HOME=/x", "XDG_DATA_HOME=/d", ModeVariable + "=online", ModeVariable + "=offline",
				MirrorVariable + "=https://u@m:8/x//"},
			want: Settings{Root: "/d/tilt-dev/tilt_modules", Offline: true, Mirror: "https://u@m:8/x"},
		},
		{environ: []string{"XDG_DATA_HOME=relative"}, err: "neither $HOME nor $XDG_DATA_HOME"},
		{environ: []string{"HOME=/x", ModeVariable + "=no"}, err: `TILT_SESSION_EXTENSIONS="no": want online or offline`},
		{environ: []string{"HOME=/x", MirrorVariable + "=ext::sh"}, err: "must be a URL"},
		{environ: []string{"HOME=/x", MirrorVariable + "=-x"}, err: "must be a URL"},
		{environ: []string{"HOME=/x", MirrorVariable + "=ssh://-x/p"}, err: "must be a URL"},
	} {
		got, err := NewSettings(c.environ)
		switch {
		case c.err != "":
			requireError(t, err, c.err)
		case err != nil || got != c.want:
			t.Errorf("%q: got %+v, %v, want %+v", c.environ, got, err, c.want)
		}
	}
}
