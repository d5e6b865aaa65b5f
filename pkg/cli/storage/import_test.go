// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"tilt.dev/session/pkg/cli/command"
)

// TestImportIsInterrupted while it waits for input that doesn't come.
func TestImportIsInterrupted(t *testing.T) {
	input, output := io.Pipe()
	defer output.Close()
	dir := filepath.Join(t.TempDir(), "state")
	cmd := NewCommand(command.Program{Streams: genericiooptions.IOStreams{In: input, Out: io.Discard, ErrOut: io.Discard}})
	cmd.SetArgs([]string{"import", "--data-dir", dir})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	ctx, stop := context.WithCancel(t.Context())
	imported := make(chan error)
	go func() { imported <- cmd.ExecuteContext(ctx) }()
	if _, err := io.WriteString(output, "\n"); err != nil { // The import reads.
		t.Fatal(err)
	}
	stop()
	err := <-imported
	if err == nil || !strings.Contains(err.Error(), "interrupted") || !strings.Contains(err.Error(), dir) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory is there: %v", err)
	}
}

func TestUntilDone(t *testing.T) {
	whole := untilDone(t.Context(), strings.NewReader("text"))
	defer whole.Close()
	if text, err := io.ReadAll(whole); err != nil || string(text) != "text" {
		t.Errorf("read %q, %v", text, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	input, output := io.Pipe()
	defer output.Close()
	part := untilDone(ctx, input)
	defer part.Close()
	if _, err := io.ReadAll(part); !errors.Is(err, context.Canceled) {
		t.Errorf("reading without end ended with %v", err)
	}
}
