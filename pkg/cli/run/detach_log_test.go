// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestLogOfABackgroundRun(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	first, err := createLog()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := first.Stat(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	second, err := createLog()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := os.Stat(first.Name()); err != nil {
		t.Errorf("the file of a run that lives is removed: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := createLog()
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(third.Name()), "*")); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

// Runs that start at one time leave each other's files alone.
func TestLogsOfBackgroundRuns(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var begun, kept sync.WaitGroup
	begun.Add(20)
	for range 20 {
		kept.Go(func() {
			log, err := createLog()
			begun.Done()
			begun.Wait()
			if err != nil {
				t.Error(err)
				return
			}
			defer log.Close()
			if _, err := os.Stat(log.Name()); err != nil {
				t.Error(err)
			}
		})
	}
	kept.Wait()
}

func TestBoundedLog(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log := &boundedLog{file: file, limit: 8}
	for _, step := range []struct{ write, want string }{
		{"abcd", "abcd"}, {"efgh", "abcdefgh"}, {"i", "i"}, {"jk", "ijk"}, {"0123456789", "0123456789"}, {"x", "x"},
	} {
		if _, err := log.Write([]byte(step.write)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file.Name()); string(got) != step.want || err != nil {
			t.Errorf("after %q: %q, %v; want %q", step.write, got, err, step.want)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := log.Write([]byte("0123456789")); n != 10 || err != nil {
		t.Errorf("a file that can't be written: %d, %v", n, err)
	}
}
