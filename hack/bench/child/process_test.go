// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package child_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tilt.dev/session/hack/bench/child"
)

func TestRun(t *testing.T) {
	input := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(input, []byte("some text"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := child.Command{
		Args: []string{"sh", "-c", "cat; exit $CODE"}, Env: []string{"CODE=0"}, Input: input, Log: input + ".log",
	}
	usage, err := child.Run(t.Context(), command)
	if err != nil || usage.Wall <= 0 || usage.PeakRSS < 100<<10 {
		t.Errorf("%+v, %v", usage, err)
	}
	command.Env = []string{"CODE=3"}
	_, err = child.Run(t.Context(), command)
	if err == nil || !strings.Contains(err.Error(), "exit status 3\nsome text") {
		t.Errorf("a failure is %v", err)
	}
}

func TestRunIsCancelled(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := child.Run(ctx, child.Command{Args: []string{"sleep", "1000"}, Log: log})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestStop(t *testing.T) {
	p, err := child.Start(child.Command{Args: []string{"cat"}, Log: filepath.Join(t.TempDir(), "log")})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Exited():
		t.Error("it has ended before it was stopped:", p.Err())
	default:
	}
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "signal: terminated") {
		t.Error(err)
	}
}
