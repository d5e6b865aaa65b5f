// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// another is a user that this process doesn't run as.
const another = 4711

// addWarned adds an entry and returns the warnings.
func addWarned(t *testing.T, l Location, e Entry) (warnings []string) {
	t.Helper()
	if err := l.Add(t.Context(), e, func(err error) { warnings = append(warnings, err.Error()) }); err != nil {
		t.Fatal(err)
	}
	return warnings
}

// wantWarnings checks that there are as many warnings as parts, each with its part.
func wantWarnings(t *testing.T, got []string, parts ...string) {
	t.Helper()
	if len(got) != len(parts) {
		t.Fatalf("warnings %q, want %d", got, len(parts))
	}
	for i, part := range parts {
		if !strings.Contains(got[i], part) {
			t.Errorf("warning %q, want one with %q", got[i], part)
		}
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("%s has the mode %v, want %v", path, info.Mode().Perm(), want)
	}
}

// chown gives a file or a link to another user, as only root can.
func chown(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	if err := os.Lchown(path, another, another); err != nil {
		t.Fatal(err)
	}
}

// TestModeOfTheFile replaces files of several modes: other users lose their access, and the owner's bits remain.
func TestModeOfTheFile(t *testing.T) {
	for _, test := range []struct {
		text         string
		before, want fs.FileMode
	}{
		{foreign, 0o644, 0o600},
		{foreign, 0o666, 0o600},
		{"", 0o666, 0o600},
		{"", 0o640, 0o600},
		{"", 0o604, 0o600},
		{"", 0o620, 0o600},
		{"", 0o601, 0o600},
		{"", 0o444, 0o600},
		{"", 0o777, 0o600},
		{"", 0o600, 0o600},
		{"", 0o400, 0o400},
		{foreign, 0o700, 0o700},
	} {
		for _, linked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%#o, %d bytes, link %v", test.before, len(test.text), linked), func(t *testing.T) {
				l := locationWith(t, test.text)
				file := l.Files[0]
				if err := os.Chmod(file, test.before); err != nil {
					t.Fatal(err)
				}
				if linked {
					l.Files[0] = filepath.Join(t.TempDir(), "link")
					if err := os.Symlink(file, l.Files[0]); err != nil {
						t.Fatal(err)
					}
				}
				warnings := addWarned(t, l, entry(10350))
				wantMode(t, file, test.want)
				warnings = append(warnings, addWarned(t, l, entry(10350))...)
				removeEntry(t, l, entry(10350))
				wantMode(t, file, test.want)
				if strings.Contains(get(t, file), "token-10350") {
					t.Error("the token is still there")
				}
				if test.before == test.want {
					wantWarnings(t, warnings)
				} else {
					wantWarnings(t, warnings, fmt.Sprintf("%s, which holds secrets (mode %#o)", l.Files[0], test.before))
				}
			})
		}
	}
}

// TestModeUnderUmasks changes the umask of the process, as nothing else does meanwhile.
func TestModeUnderUmasks(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		l := locationWith(t, "")
		fresh := Location{Files: []string{filepath.Join(filepath.Dir(l.Files[0]), "fresh")}}
		old := syscall.Umask(umask)
		err := errors.Join(addIgnored(t.Context(), l, entry(1)), addIgnored(t.Context(), fresh, entry(2)))
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %#o: %v", umask, err)
		}
		wantMode(t, l.Files[0], 0o600)
		wantMode(t, fresh.Files[0], 0o600)
	}
}

func TestListOfFiles(t *testing.T) {
	l := locationWith(t, "")
	file := l.Files[0]
	l.Files = []string{file + "-missing", file, file + "-other"}
	put(t, file+"-other", foreign)
	for _, open := range []string{file, file + "-other"} {
		if err := os.Chmod(open, 0o664); err != nil {
			t.Fatal(err)
		}
	}
	warnings := addWarned(t, l, entry(10350))
	wantMode(t, file, 0o600)
	wantMode(t, file+"-other", 0o664) // nothing is written to it
	wantWarnings(t, warnings, file+", which holds secrets")
}

func TestDirectoryOfOthers(t *testing.T) {
	for _, test := range []struct {
		mode fs.FileMode
		want []string
	}{
		{0o700, nil},
		{0o755, nil},
		{0o777 | fs.ModeSticky, nil},
		{0o777, []string{"other users can write to directory "}},
		{0o770, []string{"other users can write to directory "}},
		{0o703, []string{"other users can write to directory "}},
	} {
		t.Run(test.mode.String(), func(t *testing.T) {
			l := locationWith(t, foreign)
			if err := os.Chmod(filepath.Dir(l.Files[0]), test.mode); err != nil {
				t.Fatal(err)
			}
			warnings := addWarned(t, l, entry(10350))
			removeEntry(t, l, entry(10350))
			wantWarnings(t, warnings, test.want...)
			wantMode(t, l.Files[0], 0o600)
		})
	}
	t.Run("of another user", func(t *testing.T) {
		l := locationWith(t, foreign)
		chown(t, filepath.Dir(l.Files[0]))
		warnings := addWarned(t, l, entry(10350))
		wantWarnings(t, warnings, "belongs to user 4711")
	})
	t.Run("behind a link", func(t *testing.T) {
		l := locationWith(t, foreign)
		if err := os.Chmod(filepath.Dir(l.Files[0]), 0o777); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(l.Files[0], link); err != nil {
			t.Fatal(err)
		}
		l.Files[0] = link
		warnings := addWarned(t, l, entry(10350))
		wantWarnings(t, warnings, "other users can write to directory ")
	})
}

// TestFilesOfOtherUsers are refused, and aren't changed.
func TestFilesOfOtherUsers(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o666} {
		t.Run(mode.String(), func(t *testing.T) {
			l := locationWith(t, foreign)
			if err := os.Chmod(l.Files[0], mode); err != nil {
				t.Fatal(err)
			}
			chown(t, l.Files[0])
			wantError(t, addIgnored(t.Context(), l, entry(10350)), l.Files[0], "belongs to user 4711")
			if get(t, l.Files[0]) != foreign {
				t.Error("the file was changed")
			}
			wantMode(t, l.Files[0], mode)
			wantFiles(t, filepath.Dir(l.Files[0]), "config")
		})
	}
	t.Run("link", func(t *testing.T) {
		l := locationWith(t, foreign)
		real := filepath.Join(t.TempDir(), "real")
		if err := errors.Join(os.Rename(l.Files[0], real), os.Symlink(real, l.Files[0]+"2"), os.Symlink("config2", l.Files[0])); err != nil {
			t.Fatal(err)
		}
		add(t, l, entry(10350))
		removeEntry(t, l, entry(10350))
		before := get(t, real)
		chown(t, l.Files[0]+"2")
		wantError(t, addIgnored(t.Context(), l, entry(10350)), l.Files[0]+"2", "symbolic link", "belongs to user 4711")
		if get(t, real) != before {
			t.Error("the file was changed")
		}
	})
}

func TestLinksInACircle(t *testing.T) {
	l := locationWith(t, foreign)
	if err := errors.Join(os.Remove(l.Files[0]), os.Symlink("config", l.Files[0])); err != nil {
		t.Fatal(err)
	}
	wantError(t, addIgnored(t.Context(), l, entry(10350)), l.Files[0], "too many")
}

// TestFileSystemWithoutModes has a file that can't be taken from other users.
func TestFileSystemWithoutModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	put(t, path, "")
	for mode, secured := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o700: true, 0o644: false, 0o777: false, 0o610: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkSecured(info); (err == nil) != secured {
			t.Errorf("mode %#o: %v", mode, err)
		}
	}
}

// Two servers that write the same file use different temporary files.
func TestReplaceAtTheSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	var writing sync.WaitGroup
	for i := range 2 {
		data := bytes.Repeat([]byte{byte('a' + i)}, 3000)
		writing.Go(func() {
			for range 50 {
				if _, err := Replace(path, data, func(err error) { t.Error(err) }); err != nil {
					t.Error(err)
					return
				}
				if present, err := os.ReadFile(path); err != nil || len(present) != len(data) {
					t.Errorf("%d bytes (%v)", len(present), err)
					return
				}
			}
		})
	}
	writing.Wait()
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}
