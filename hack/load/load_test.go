// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A short load, of several pages.
func TestLoad(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "tilt-session")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin, "tilt.dev/session/cmd/tilt-session")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var out strings.Builder
	err := load(t.Context(), []string{"-bin", bin, "-sessions", "60", "-targets", "3", "-page", "25", "-reads", "5", "-writes", "5", "-settling", "0"}, &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^BenchmarkLoad/storage=(memory|file)/\S+ [1-9]\d*( \d+\.\d{3} \S+)+$`)
	for _, text := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		if !line.MatchString(text) {
			t.Errorf("benchstat wouldn't read %q", text)
		}
	}
	for _, want := range []string{"memory/list/limit=25", "file/status/writers=1", "file/start-filled", "file/watch-initial", "file/file"} {
		if !strings.Contains(out.String(), "storage="+want+" ") {
			t.Errorf("there is no %s", want)
		}
	}
}

func TestLoadTellsWhatIsWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-bin /nothing":                        "no such file",
		"-sessions 0":                          "must be positive",
		"-bin /bin/false -storage memory":      "the server has ended",
		"-bin /bin/false -page 0 -storage no ": "must be positive",
	} {
		if err := load(t.Context(), strings.Fields(args), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: it says %v, want %q", args, err, want)
		}
	}
}
