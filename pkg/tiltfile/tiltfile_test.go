// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// tiltfile writes a Tiltfile and returns options to load it.
func tiltfile(t testing.TB, source string) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Tiltfile")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return Options{Path: path, Runner: execRunner{}, Environ: os.Environ()}
}

// requireError fails unless err is of a kind and has a text.
func requireError(t *testing.T, err error, kind Kind, text string) {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind != kind || !strings.Contains(failure.Text, text) {
		t.Fatalf("got error %v, want one of kind %d with %q", err, kind, text)
	}
}

func TestCancelEndsEndlessLoop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	options := tiltfile(t, "print('running')\nwhile True:\n    pass")
	options.Log = func(logs.Level, string) { cancel() }
	_, err := Load(ctx, options)
	requireError(t, err, KindCanceled, "context canceled")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v isn't context.Canceled", err)
	}
}

// TestProjectKeepsNoEvaluation checks that a project doesn't keep the evaluation in memory.
func TestProjectKeepsNoEvaluation(t *testing.T) {
	e := newEvaluation(t.Context(), tiltfile(t, "ci_settings(timeout='1m')\nlocal_resource('job', cmd='true')"))
	project, err := e.project()
	if err != nil || len(project.Resources) != 1 || project.CI.Timeout == nil || *project.CI.Timeout != time.Minute {
		t.Fatalf("it is %+v, %v", project, err)
	}
	evaluation := weak.Make(e)
	e = nil
	for deadline := time.Now().Add(30 * time.Second); evaluation.Value() != nil; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("it is still held")
		}
	}
	runtime.KeepAlive(&project)
}

func TestCancelEndsCommand(t *testing.T) {
	reason := errors.New("the user pressed a key")
	ctx, cancel := context.WithCancelCause(t.Context())
	options := tiltfile(t, "local('echo running; sleep 1000')")
	options.Output = func() io.WriteCloser {
		return onWrite(func(text string) {
			if text == " → running\n" {
				cancel(reason)
			}
		})
	}
	_, err := Load(ctx, options)
	requireError(t, err, KindCanceled, "the user pressed a key")
	if !errors.Is(err, reason) {
		t.Errorf("%v doesn't wrap the cause", err)
	}
}

// onWrite is called with what is written to it.
type onWrite func(text string)

func (w onWrite) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

func (onWrite) Close() error { return nil }

func TestCanceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Load(ctx, tiltfile(t, "local_resource('a', 'x')"))
	requireError(t, err, KindCanceled, "context canceled")
}

func TestLocalStopsEndlessOutput(t *testing.T) {
	e := newEvaluation(t.Context(), tiltfile(t, "local('yes', quiet=True)"))
	e.MaxDataSize = 100_000
	_, err := e.project()
	requireError(t, err, KindEvaluation, "the output of the command is larger than 100000: "+
		"set the environment variable TILT_SESSION_MAX_DATA_SIZE to allow more")
	if len(err.Error()) > 10_000 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

func TestLocalWithoutRunner(t *testing.T) {
	options := tiltfile(t, "local('true')")
	options.Runner = nil
	_, err := Load(t.Context(), options)
	requireError(t, err, KindEvaluation, "Error in local: this evaluation can't run commands")
}

func TestUnreadableTiltfile(t *testing.T) {
	large := tiltfile(t, "")
	if err := os.WriteFile(large.Path, bytes.Repeat([]byte("#"), builtins.MaxSourceSize+1), 0o644); err != nil {
		t.Fatal(err)
	}
	project, err := Load(t.Context(), large)
	requireError(t, err, KindUnreadable, "is larger than 1Mi")
	if project.CI != nil || len(project.Inputs) != 2 {
		t.Errorf("got CI %v and inputs %v of a file that wasn't executed", project.CI, project.Inputs)
	}
}

func TestEvaluationsAreIndependent(t *testing.T) {
	source := `
os.putenv('TILTFILE_TEST', 'x')
os.unsetenv('PATH')
ci_settings(timeout='1s')
trigger_mode(TRIGGER_MODE_MANUAL)
local_resource('a', 'x')
`
	path := os.Getenv("PATH")
	done := make(chan error)
	for range 4 {
		options := tiltfile(t, source)
		go func() {
			_, err := Load(t.Context(), options)
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, ok := os.LookupEnv("TILTFILE_TEST"); ok || os.Getenv("PATH") != path {
		t.Error("the evaluation changed the environment of the process")
	}
}

func TestSettingsOfFailedEvaluation(t *testing.T) {
	project, err := Load(t.Context(), tiltfile(t, "ci_settings(timeout='7s')\nread_file('f')"))
	requireError(t, err, KindEvaluation, "no such file")
	if project.CI == nil || project.CI.Timeout == nil || project.CI.Timeout.Seconds() != 7 {
		t.Errorf("got %+v, want the timeout that was set before the failure", project.CI)
	}
	if len(project.Inputs) != 3 || project.Resources != nil {
		t.Errorf("got inputs %v and resources %v", project.Inputs, project.Resources)
	}
}
