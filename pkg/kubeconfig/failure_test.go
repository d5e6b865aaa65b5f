// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"
)

func TestFilesThatAreNotOverwritten(t *testing.T) {
	for _, test := range []struct {
		name, text string
		parts      []string
	}{
		{"not yaml", "apiVersion: v1\nclusters: [\n", []string{"line 2"}},
		{"a tab", "apiVersion: v1\n\tkind: Config\n", []string{"line 2"}},
		{"text", "hello\n", nil},
		{"binary", "\x00\x01\x02", nil},
		{"a pod", "apiVersion: v1\nkind: Pod\n", []string{"Pod"}},
		{"wrong types", "contexts: 3\n", nil},
		{"a map", "clusters: {a: b}\n", nil},
		{"two documents", foreign + "---\n" + foreign, []string{"more than one"}},
		{"an entry twice", "users: [{name: a, user: {}}, {name: a, user: {}}]\n", []string{"duplicate", "a"}},
		{"a later version", "apiVersion: v2\nkind: Config\n", []string{"v2"}},
		{"a section twice", "users: []\nusers: [{name: a, user: {token: b}}]\n", []string{"line 2", "users"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := locationWith(t, test.text)
			err := addIgnored(t.Context(), l, entry(10350))
			wantError(t, err, append(test.parts, l.Files[0])...)
			if got := get(t, l.Files[0]); got != test.text {
				t.Errorf("the file was changed:\n%s", got)
			}
			wantFiles(t, filepath.Dir(l.Files[0]), "config")
		})
	}
}

func TestFilesThatAreEmpty(t *testing.T) {
	for _, text := range []string{"", "\n", " \n\n", "---\n", "null\n", "{}\n", "# nothing\n", "# first\n---\n{}\n", "clusters: null\ncontexts: null\ncurrent-context: \"\"\nusers: ~\n"} {
		t.Run(text, func(t *testing.T) {
			l := locationWith(t, text)
			add(t, l, entry(10350))
			wantContexts(t, l.Files[0], "tilt-default")
			removeEntry(t, l, entry(10350))
			wantContexts(t, l.Files[0])
		})
	}
}

// wantFiles checks that nothing else was left in a directory.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, file.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, "")
	l := Location{Files: []string{filepath.Join(file, "tilt", "config")}}
	wantError(t, addIgnored(t.Context(), l, entry(10350)), file, "not a directory")
}

func TestFileThatIsADirectory(t *testing.T) {
	l := emptyLocation(t)
	if err := os.MkdirAll(l.Files[0], 0o755); err != nil {
		t.Fatal(err)
	}
	wantError(t, addIgnored(t.Context(), l, entry(10350)), l.Files[0], "regular file")
}

func TestDeviceIsNotReplaced(t *testing.T) {
	link := filepath.Join(t.TempDir(), "config")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	l := Location{Files: []string{link}}
	wantError(t, addIgnored(t.Context(), l, entry(10350)), link, "regular file")
}

func TestSymbolicLinkStays(t *testing.T) {
	l := emptyLocation(t)
	real := filepath.Join(t.TempDir(), "real")
	put(t, real, foreign)
	if err := os.Mkdir(filepath.Dir(l.Files[0]), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, l.Files[0]); err != nil {
		t.Fatal(err)
	}
	add(t, l, entry(10350))
	if target, err := os.Readlink(l.Files[0]); err != nil || target != real {
		t.Errorf("the link goes to %q, %v", target, err)
	}
	if !strings.Contains(get(t, real), "token-10350") {
		t.Error("the file behind the link wasn't written")
	}
}

func TestDanglingLink(t *testing.T) {
	l := emptyLocation(t)
	if err := os.Mkdir(filepath.Dir(l.Files[0]), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", l.Files[0]); err != nil {
		t.Fatal(err)
	}
	wantError(t, addIgnored(t.Context(), l, entry(10350)), l.Files[0], "no such file")
}

func TestHeldLock(t *testing.T) {
	l := locationWith(t, foreign)
	holder := readyChild(t, "lock", l)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, addIgnored(ctx, l, entry(10350)), l.Files[0]+".lock", "deadline")
	wantError(t, l.Remove(ctx, entry(10350)), l.Files[0]+".lock", "deadline")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, addIgnored(canceled, l, entry(10350)), "canceled")
	if got := get(t, l.Files[0]); got != foreign {
		t.Errorf("the file was changed:\n%s", got)
	}

	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	add(t, l, entry(10350))
}

// addOnFullDisk adds an entry where no file may grow.
func addOnFullDisk(l Location) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100, Max: 100}); err != nil {
		return err
	}
	return addIgnored(context.Background(), l, entry(10350))
}

func TestFullDisk(t *testing.T) {
	l := locationWith(t, foreign)
	out, err := child(t, "full", l).Output()
	if err == nil || !bytes.Contains(out, []byte(l.Files[0])) || !bytes.Contains(out, []byte("file too large")) {
		t.Errorf("%v: %s", err, out)
	}
	if got := get(t, l.Files[0]); got != foreign {
		t.Errorf("the file was changed:\n%s", got)
	}
	wantFiles(t, filepath.Dir(l.Files[0]), "config")
}

// rounds is how often each racing process adds and removes its entry.
const rounds = 50

// race adds and removes the entry of a port that no other process has.
func race(l Location) error {
	e := entry(20000 + os.Getpid())
	for range rounds {
		if err := addIgnored(context.Background(), l, e); err != nil {
			return err
		}
		if _, err := l.Load(e.Port); err != nil {
			return fmt.Errorf("after adding: %w", err)
		}
		if err := l.Remove(context.Background(), e); err != nil {
			return err
		}
		if _, err := l.Load(e.Port); err == nil {
			return fmt.Errorf("%s is still there after its removal", e.Name())
		}
	}
	return nil
}

func TestRace(t *testing.T) {
	l := locationWith(t, foreign)
	want := load(t, l.Files[0])
	ends := make(chan error, 4)
	for range cap(ends) {
		cmd := child(t, "race", l)
		go func() {
			out, err := cmd.Output()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			ends <- err
		}()
	}
	for range cap(ends) {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want, load(t, l.Files[0])); diff != "" {
		t.Errorf("after the race (-want +got):\n%s", diff)
	}
	wantFiles(t, filepath.Dir(l.Files[0]), "config")
}

func TestLockFileOfOthers(t *testing.T) {
	l := locationWith(t, foreign)
	put(t, l.Files[0]+".lock", "")
	add(t, l, entry(10350))
	wantFiles(t, filepath.Dir(l.Files[0]), "config", "config.lock")
}

// TestLockFileIsRemoved removes the lock file while others wait for the lock in
// it. They have to lock the next file.
func TestLockFileIsRemoved(t *testing.T) {
	l := emptyLocation(t)
	first, err := l.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const waiting = 10
	order := make(chan error, waiting)
	for range waiting {
		go func() { order <- lockAlone(t.Context(), l) }()
	}
	if err := first(); err != nil {
		t.Error(err)
	}
	for range waiting {
		if err := <-order; err != nil {
			t.Error(err)
		}
	}
	wantFiles(t, filepath.Dir(l.Files[0]))
}

// lockAlone fails if another goroutine holds the lock as well.
func lockAlone(ctx context.Context, l Location) error {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	mine := filepath.Join(filepath.Dir(l.Files[0]), "mine")
	return errors.Join(os.Mkdir(mine, 0o700), os.Remove(mine), unlock())
}

func TestLockOfAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.lock")
	put(t, path, "")
	held := flock.New(path)
	if err := held.Lock(); err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if !isAt(held, path) {
		t.Error("the lock isn't where it was taken")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if isAt(held, path) {
		t.Error("the lock is where no file is")
	}
	put(t, path, "")
	if isAt(held, path) {
		t.Error("the lock is in a file that was made after it was taken")
	}
}

// What a process that was killed has left of a replacement goes with the next change, and nothing else does.
func TestLeftReplacement(t *testing.T) {
	l := locationWith(t, foreign)
	dir := filepath.Dir(l.File())
	base := "." + filepath.Base(l.File())
	put(t, filepath.Join(dir, base+"6473810698397476481"), "left")
	for _, name := range []string{base + "2", base + ".bak", base + "6473810698397476481x"} {
		put(t, filepath.Join(dir, name), "mine")
	}
	add(t, l, entry(10350))
	wantFiles(t, dir, base+".bak", base+"2", base+"6473810698397476481x", filepath.Base(l.File()))
}
