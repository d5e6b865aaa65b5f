// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package private

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTemporaryDirectory(t *testing.T) {
	parent := t.TempDir()
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(parent, fmt.Sprintf("tilt-session-%d-1", ended.Process.Pid))
	foreign := filepath.Join(parent, "tilt-session-image-1")
	for _, path := range []string{left, foreign} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	first, err := TemporaryDirectory(parent)
	if err != nil {
		t.Fatal(err)
	}
	second, err := TemporaryDirectory(parent)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{left: false, foreign: true, first: true, second: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t", path, err == nil)
		}
	}
}

func TestDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var d Directory
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	first, err := d.Path()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.Path(); again != first || err != nil {
		t.Errorf("got %q, then %q, %v", first, again, err)
	}
	info, err := os.Stat(first)
	if err != nil || info.Mode().Perm()&Others != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := errors.Join(os.WriteFile(first+"/file", nil, 0o600), d.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
