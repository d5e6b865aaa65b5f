// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"

	"tilt.dev/session/pkg/process"
)

// commandError is the failure of a command that ran.
type commandError struct {
	exit process.Exit
	text string
}

func (e *commandError) Error() string { return e.text }

// failure is the error of a command's exit, nil for success.
func failure(exit process.Exit, format string, args ...any) error {
	if exit.Code == 0 {
		return nil
	}
	return &commandError{exit, fmt.Sprintf(format, args...)}
}

// hints say what to do about a program that isn't there.
var hints = map[string]string{
	ProgramDocker:  "install Docker, or name another program by --docker podman or --docker nerdctl",
	ProgramPodman:  "install Podman, or build by another program: --docker docker",
	ProgramNerdctl: "install nerdctl, or build by another program: --docker docker",
	"kind":         "install kind, or create the cluster with a local registry",
	"k3d":          "install k3d, or create the cluster with a registry",
	"minikube":     "install minikube, which this cluster belongs to",
	"k3s":          "put the k3s of this node in the PATH, or set default_registry()",
}

// execute runs a command to its end, unless the build is stopped.
func (a *build) execute(spec process.Spec) (process.Exit, error) {
	if spec.Env == nil {
		spec.Env = a.env
	}
	a.mu.Lock()
	if a.stopped() {
		a.mu.Unlock()
		return process.Exit{}, a.ctx.Err()
	}
	p, err := a.builder.options.Start(spec)
	if err != nil {
		a.mu.Unlock()
		if hint := hints[spec.Argv[0]]; hint != "" && errors.Is(err, exec.ErrNotFound) {
			return process.Exit{}, fmt.Errorf("%s isn't in the PATH: %s", spec.Argv[0], hint)
		}
		return process.Exit{}, fmt.Errorf("start %s: %w", spec.Argv[0], err)
	}
	a.current = p
	a.mu.Unlock()
	<-p.Done()
	a.mu.Lock()
	a.current = nil
	a.mu.Unlock()
	if a.stopped() {
		return p.Exit(), a.ctx.Err()
	}
	return p.Exit(), nil
}

// query runs a command and returns what it prints. The error has what it says on stderr.
func (a *build) query(argv ...string) (string, error) {
	var out, errOut bytes.Buffer
	exit, err := a.execute(process.Spec{Argv: argv, Output: &out, Stderr: &errOut})
	if err != nil {
		return "", err
	}
	return out.String(), failure(exit, "%s: %s", strings.Join(argv, " "), reason(errOut.String(), exit))
}

// transfer runs a command that brings the image somewhere, and logs what it prints. keep selects lines, nil all.
func (a *build) transfer(keep func(string) bool, argv ...string) error {
	log := a.request.Log.Writer()
	defer log.Close()
	var last []string
	out := &lineWriter{line: func(line string) {
		if keep == nil || keep(line) {
			fmt.Fprintln(log, "  → "+line)
		}
		if last = append(last, line); len(last) > 5 {
			last = last[1:]
		}
	}}
	exit, err := a.execute(process.Spec{Argv: argv, Output: out})
	out.flush()
	if err != nil {
		return err
	}
	return failure(exit, "%s: %s", strings.Join(argv, " "), reason(strings.Join(last, "\n"), exit))
}

// reason is the last line that a command printed, without its own prefix, or else its exit.
func reason(output string, exit process.Exit) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	for _, prefix := range []string{"ERROR: ", "Error: ", "error: ", "Error response from daemon: "} {
		last = strings.TrimPrefix(last, prefix)
	}
	if last == "" {
		return exit.String()
	}
	return last
}

// lineWriter calls a function with each line, without its end and cursor movements.
type lineWriter struct {
	line func(string)
	rest []byte
}

// cursor are escape sequences other than those of colors.
var cursor = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-ln-z]`)

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		w.emit(string(line))
		w.rest = rest
	}
}

// flush ends a line that has no end.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.emit(string(w.rest))
		w.rest = nil
	}
}

func (w *lineWriter) emit(line string) {
	line = strings.TrimRight(line, "\r")
	// A carriage return begins the line again: the last text is what stays on a terminal.
	line = line[strings.LastIndexByte(line, '\r')+1:]
	w.line(cursor.ReplaceAllString(line, ""))
}
