// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// cache holds the answers to questions that commands answer. The zero value is empty.
type cache[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

// get returns the answer for a key, asking for it at the first call. An error isn't kept.
func (c *cache[T]) get(key string, ask func() (T, error)) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.known[key]; ok {
		return answer, nil
	}
	answer, err := ask()
	if err == nil {
		if c.known == nil {
			c.known = map[string]T{}
		}
		c.known[key] = answer
	}
	return answer, err
}

// values are all answers.
func (c *cache[T]) values() (all []T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, answer := range c.known {
		all = append(all, answer)
	}
	return all
}

// commandVariable names the program of Compose, without arguments.
const commandVariable = "TILT_DOCKER_COMPOSE_CMD"

// tool is how Compose is called.
type tool struct {
	argv    []string
	version string
}

// variables are the values of some variables, as a key of a cache.
func variables(environ []string, names ...string) string {
	var values []string
	for _, name := range names {
		values = append(values, lookup(environ, name))
	}
	return strings.Join(values, "\n")
}

// lookup returns the value of a variable.
func lookup(environ []string, name string) string {
	for _, entry := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// longestQuestion is how long Docker's client may take to say what it is.
const longestQuestion = 30 * time.Second

// limited is the context of a question to Docker's client.
func (r *Runner) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.limit, fmt.Errorf("no answer in %v", r.limit))
}

// tool finds Compose and checks its version.
func (r *Runner) tool(ctx context.Context, environ []string) (tool, error) {
	key := variables(environ, commandVariable, "PATH", "HOME", "DOCKER_CONFIG")
	return r.tools.get(key, func() (tool, error) {
		ctx, cancel := r.limited(ctx)
		defer cancel()
		return findTool(ctx, r.options.Start, environ)
	})
}

func findTool(ctx context.Context, start func(process.Spec) (*process.Process, error), environ []string) (tool, error) {
	candidates := [][]string{{"docker", "compose"}, {"docker-compose"}}
	if program := lookup(environ, commandVariable); program != "" {
		candidates = [][]string{{program}}
	}
	var first error
	for _, argv := range candidates {
		out, err := query(ctx, start, environ, append(slices.Clone(argv), "version", "--short")...)
		if err == nil {
			t := tool{argv: argv, version: strings.TrimSpace(out)}
			return t, t.check()
		}
		if first == nil {
			first = fmt.Errorf("'%s' can't be run: %w; install Docker Compose v2 or set %s",
				strings.Join(argv, " "), err, commandVariable)
		}
	}
	return tool{}, first
}

var versionNumber = regexp.MustCompile(`(\d+)\.(\d+)`)

// check refuses versions that name containers otherwise, or lack flags.
func (t tool) check() error {
	m := versionNumber.FindStringSubmatch(t.version)
	if m == nil {
		return nil // A version of a private build.
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if major > 2 || major == 2 && minor >= 2 {
		return nil
	}
	return fmt.Errorf("'%s' has version %s, and at least 2.2 is needed: install Docker Compose v2, "+
		"see https://docs.docker.com/compose/install, or set %s", strings.Join(t.argv, " "), t.version, commandVariable)
}

// command is the command line for a project. Further files follow those of the project.
func (t tool) command(p *model.ComposeProject, files []string, command ...string) []string {
	return slices.Concat(t.argv, p.Arguments(files...), command)
}

// shown is a command line for people: with the names of files alone.
func shown(argv []string) string {
	words := slices.Clone(argv)
	for i, word := range words {
		if filepath.IsAbs(word) {
			words[i] = filepath.Base(word)
		}
	}
	return model.Command{Argv: words}.String()
}

// plain has Compose print plain lines.
var plain = []string{"COMPOSE_ANSI=never", "COMPOSE_PROGRESS=plain", "BUILDKIT_PROGRESS=plain", "FORCE_COLOR"}

// missing is the error for a program that isn't there.
type missing string

func (m missing) Error() string { return string(m) + " isn't in the PATH" }

// query runs a command and returns what it prints. The error has what it says on stderr, or is missing.
func query(ctx context.Context, start func(process.Spec) (*process.Process, error), environ []string,
	argv ...string) (string, error) {
	var out, errOut bytes.Buffer
	p, err := start(process.Spec{Argv: argv, Env: environ, Output: &out, Stderr: &errOut})
	if errors.Is(err, exec.ErrNotFound) {
		return "", missing(argv[0])
	}
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, func() { p.Stop(0) })()
	<-p.Done()
	switch exit := p.Exit(); {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case exit.Code != 0:
		return "", errors.New(reason(errOut.String(), exit))
	}
	return out.String(), nil
}

// prefixes are what errors of the commands begin with.
var prefixes = []string{"Error response from daemon: ", "Error: ", "ERROR: ", "error: "}

// helpHint matches the line in which Docker's client names its help.
var helpHint = regexp.MustCompile(`^(Run|See) 'docker[^']*--help'`)

// reason is the last line that a command printed, without its own prefix, or else its exit. A hint at a help isn't one.
func reason(output string, exit process.Exit) string {
	last := ""
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line != "" && !helpHint.MatchString(line) {
			last = line
		}
	}
	for _, prefix := range prefixes {
		last = strings.TrimPrefix(last, prefix)
	}
	if last == "" {
		return exit.String()
	}
	return last
}
