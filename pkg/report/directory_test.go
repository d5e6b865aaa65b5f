// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
	"tilt.dev/session/pkg/logs"
)

// TestDirectory checks the files of a log, whose names are safe and different.
func TestDirectory(t *testing.T) {
	store := logs.New(1<<20, clock.RealClock{})
	store.Append("web", logs.LevelInfo, "\x1b[31mred\x1b[0m\nsecond\n")
	store.Append("image:ghcr.io/me/web", logs.LevelError, "  broken")
	store.Append("image_ghcr.io_me_web", logs.LevelInfo, "another")
	store.Append(".."+strings.Repeat("x", 300), logs.LevelInfo, "hidden")
	dir := filepath.Join(t.TempDir(), "a", "logs")
	d, err := NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	for batch := range store.Read(t.Context(), logs.Selection{}) {
		if err := d.Print(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[entry.Name()] = string(content)
	}
	all := strings.Split(strings.TrimSpace(got["all.ndjson"]), "\n")
	delete(got, "all.ndjson")
	want := map[string]string{
		"web.log": "red\nsecond\n", "image_ghcr.io_me_web.log": "  broken\n", "image_ghcr.io_me_web-2.log": "another\n",
		"_." + strings.Repeat("x", 198) + ".log": "hidden\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var line v1alpha1.SessionLogLine
	if err := json.Unmarshal([]byte(all[0]), &line); err != nil || len(all) != 5 || line.Seq != 1 || line.Text != "\x1b[31mred\x1b[0m" {
		t.Errorf("%d lines, %v: %+v", len(all), err, line)
	}
}

// TestWriteFile checks that a file is replaced at once, below a new directory and behind a link, and that nothing else
// stays.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "new", "r.xml"), filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link} {
		if err := WriteFile(p, []byte(p)); err != nil {
			t.Fatal(err)
		}
		if err := CheckFile(p); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != p {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	for _, wrong := range []string{dir, filepath.Join(path, "below")} {
		if CheckFile(wrong) == nil || WriteFile(wrong, nil) == nil {
			t.Errorf("%s can be written", wrong)
		}
	}
	if err := WriteFile("/dev/full", []byte("x")); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("/dev/full: %v", err)
	}
}
