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
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be the process that holds a file open.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == holdCommand {
		if err := run(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestCompare(t *testing.T) {
	dir := t.TempDir()
	bin, out := filepath.Join(dir, "tilt-session"), filepath.Join(dir, "out")
	build := exec.Command("go", "build", "-o", bin, "./cmd/tilt-session")
	build.Dir = filepath.Join("..", "..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	o, err := parseOptions([]string{"-bin", bin, "-out", out, "-quick", "-jobs", "1,3", "-chain", "2"})
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := o.compare(t.Context(), &table); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, contender := range []string{"ours", "ours-kubeconfig-open", "xargs"} {
		for _, w := range []string{"jobs=1", "jobs=3", "chain=2"} {
			if want := fmt.Sprintf("\nBenchmarkRun/contender=%s/%s 1 ", contender, w); strings.Count(string(lines), want) != 1 {
				t.Errorf("the results don't have %q once:\n%s", want, lines)
			}
		}
	}
	if !strings.Contains(table.String(), "process-compose can't Run") {
		t.Errorf("the output doesn't say that process-compose is left out:\n%s", &table)
	}
}

func TestOptionsAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-jobs 0":           `"0" is not a positive number`,
		"-count 0":          "-count must be positive",
		"-bin /no/such":     "no such file",
		"-bin sh -chain -1": "-chain must not be negative",
	} {
		if _, err := parseOptions(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v instead of %q", args, err, want)
		}
	}
}
