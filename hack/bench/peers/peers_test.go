// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary be one of the servers.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && servers[os.Args[1]] != nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := run(ctx, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestCompare measures every contender with few Sessions.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	bin, out := filepath.Join(dir, "tilt-session"), filepath.Join(dir, "out")
	build := exec.Command("go", "build", "-o", bin, "./cmd/tilt-session")
	build.Dir = filepath.Join("..", "..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	o, err := parseOptions(strings.Fields("-quick -sessions 5 -workers 1,2 -watchers 1,3 -page 2 -time 1ns -idle 1ms" +
		" -bin " + bin +
		" -out " + out + " -dir " + dir + " -profiles " + filepath.Join(dir, "profiles") + " -targets 2"))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := o.compare(t.Context(), &table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &table)
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	valid := regexp.MustCompile(`^Benchmark[A-Z]\w+/contender=\S+ [1-9]\d*( \d+ \S+)+$|^[a-z]+: |^# `)
	for _, line := range lines {
		if !valid.MatchString(line) {
			t.Errorf("benchstat doesn't read %q", line)
		}
	}
	for _, c := range contenders() {
		for _, want := range []string{
			"BenchmarkStart/contender=%s ", "BenchmarkGet/contender=%s/sessions=5/workers=2 ",
			"BenchmarkDelete/contender=%s/sessions=5/workers=2 ",
			"BenchmarkFanOut/contender=%s/sessions=5/watchers=3 ", "BenchmarkMemory/contender=%s/sessions=5/at=idle ",
		} {
			if want = fmt.Sprintf("\n"+want, c.name); strings.Count(string(text), want) != 1 {
				t.Errorf("the results don't have %q once", want)
			}
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "bench-peers-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestOptionsAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-sessions 0":                 `"0" is not a positive number`,
		"-sessions 5":                 "-sessions must be at least 16",
		"-contenders bare":            "bare requires ours-memory before it",
		"-contenders ours-memory,one": `"one" is none of`,
		"-count 0":                    "must be positive",
		"-bin /no/such":               "no such file",
	} {
		if _, err := parseOptions(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v instead of %q", args, err, want)
		}
	}
}
