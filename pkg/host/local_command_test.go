// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/tiltfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// More than a pipe holds reaches a command that reads it, and doesn't hold up one that doesn't.
func TestLocalCommandStdin(t *testing.T) {
	for script, want := range map[string]int{
		"cat":            1 << 20,
		"head -c 5":      5,
		"true":           0,
		"exec <&-; true": 0,
	} {
		var out strings.Builder
		if err := runLocal(t, script, &out); err != nil || out.Len() != want {
			t.Errorf("%s: %d bytes, %v, want %d", script, out.Len(), err, want)
		}
	}
}

// A command gets variables that describe where it runs, unless its environment has them.
func TestLocalCommandEnvironment(t *testing.T) {
	var out strings.Builder
	t.Setenv("LINES", "7")
	if err := runLocal(t, "echo $LINES $TILT_HOST $TILT_PORT", &out); err != nil || out.String() != "7 here 12345\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

// What a command leaves running with its standard input open isn't waited for.
func TestLocalCommandLeavesReaderBehind(t *testing.T) {
	reader, kept, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer kept.Close()
	in, end, err := newInput(strings.Repeat("x", 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	// Another process that has the read end open.
	left, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "read line <&3"}, &os.ProcAttr{
		Files: []*os.File{in, nil, os.Stderr, reader},
	})
	if err != nil {
		t.Fatal(err)
	}
	end()
	if err := kept.Close(); err != nil {
		t.Error(err)
	}
	if _, err := left.Wait(); err != nil {
		t.Error(err)
	}
}

func runLocal(t *testing.T, script string, out *strings.Builder) error {
	t.Helper()
	runner, err := process.New(process.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	return localCommands{processes: runner, environ: surroundings("here", 12345)}.Run(t.Context(), tiltfile.Command{
		Argv:   []string{"sh", "-c", script},
		Dir:    t.TempDir(),
		Env:    os.Environ(),
		Stdin:  strings.Repeat("x", 1<<20),
		Stdout: out,
		Stderr: os.Stderr,
	})
}
