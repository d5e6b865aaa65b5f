// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// applied is the output of an update.
type applied struct {
	// at is when it ended.
	at time.Time
}

// update is an update of a service that has begun. Its goroutine is the only one that writes end.
type update struct {
	runner  *Runner
	request engine.UpdateRequest
	up      *model.ComposeUp
	key     serviceKey
	ctx     context.Context
	cancel  context.CancelFunc
	// after is a removal that the update waits for, nil without one.
	after *removal
	// project is set before commands are run.
	project *project
	done    chan struct{}
	end     engine.End
	ending  atomic.Bool

	mu sync.Mutex
	// process is the current command, nil without one.
	process *process.Process
	// stopped is set by Stop, and due is when the grace of its last call is over.
	stopped bool
	due     time.Time
}

var _ engine.Activity = (*update)(nil)

// PID implements engine.Activity.
func (u *update) PID() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.process == nil {
		return 0
	}
	return u.process.PID()
}

// Done implements engine.Activity.
func (u *update) Done() <-chan struct{} { return u.done }

// Ending implements engine.Activity.
func (u *update) Ending() bool { return u.ending.Load() }

// End implements engine.Activity.
func (u *update) End() engine.End { return u.end }

// Stop implements engine.Activity. Compose gets the grace to end.
func (u *update) Stop(grace time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer u.cancel() // It wakes see, which reads due.
	u.stopped, u.due = true, time.Now().Add(grace)
	if u.process != nil && grace <= 0 {
		u.process.Stop(0)
	}
}

func (u *update) run() {
	defer close(u.done)
	defer u.cancel()
	defer u.runner.ended(u)
	err := u.bringUp()
	u.ending.Store(true)
	failure := (*commandError)(nil)
	switch {
	case u.ctx.Err() != nil:
		u.end = engine.End{Error: "it was stopped"}
	case errors.As(err, &failure):
		u.end = engine.End{Error: failure.text, Signal: failure.exit.Signal}
		if failure.exit.Signal == "" {
			u.end.Code = &failure.exit.Code
		}
	case err != nil:
		u.end = engine.End{Error: err.Error()}
	default:
		u.end = engine.End{Output: &applied{at: time.Now()}}
	}
}

// bringUp builds and starts the containers of the service.
func (u *update) bringUp() error {
	if u.after != nil {
		select {
		case <-u.after.done:
		case <-u.ctx.Done():
			return u.ctx.Err()
		}
	}
	t, err := u.runner.tool(u.ctx, u.request.Environ)
	if err != nil {
		return err
	}
	p, err := u.runner.project(u.ctx, u.request.Environ, u.up.Project)
	if err != nil {
		return err
	}
	u.project = p
	if err := p.touch(u.ctx, u.up.Service, u.runner.options.CI); err != nil {
		return err
	}
	if u.up.Builds {
		if err := u.execute("", t.command(u.up.Project, nil, "build", u.up.Service)); err != nil {
			return err
		}
	}
	more, files, err := u.override()
	if err != nil {
		return err
	}
	command := []string{"up", "-d", "--no-deps", "--no-build"}
	if u.request.Requested {
		command = append(command, "--force-recreate")
	}
	if u.up.Wait {
		command = append(command, "--wait")
	}
	return p.up(&call{update: u, argv: t.command(u.up.Project, files, command...), stdin: more})
}

// override is a further file of the project, and its name, for a service that runs an image of the Tiltfile.
func (u *update) override() (text string, files []string, err error) {
	if u.up.Image == "" {
		return "", nil, nil
	}
	built, ok := u.request.Images[u.up.Image]
	if !ok {
		return "", nil, fmt.Errorf("image %q isn't built", u.up.Image)
	}
	type service struct {
		Image      string `json:"image"`
		PullPolicy string `json:"pull_policy"`
	}
	data, err := json.Marshal(map[string]any{
		// JSON is YAML. A dollar sign begins a variable.
		"services": map[string]service{u.up.Service: {strings.ReplaceAll(built.Ref, "$", "$$"), "missing"}},
	})
	return string(data), []string{"-"}, err
}

// commandError is the failure of a command that ran.
type commandError struct {
	exit process.Exit
	text string
}

func (e *commandError) Error() string { return e.text }

// execute runs a command of Compose, which reads a short text and whose output is the log of the update.
func (u *update) execute(stdin string, argv []string) error {
	u.request.Log.Append(logs.LevelInfo, "Running cmd: "+shown(argv))
	log := u.request.Log.Writer()
	defer log.Close()
	last := &lastLine{unmade: &unmade{}}
	spec := process.Spec{Argv: argv, Output: writers{log, last}}
	if stdin != "" {
		in, out, err := os.Pipe()
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = out.WriteString(stdin) // A pipe takes that much without a reader.
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
		spec.Stdin = in
	}
	p, err := u.start(spec)
	if err != nil {
		return err
	}
	return u.await(p, last)
}

// start starts a command of Compose, unless the update is stopped.
func (u *update) start(spec process.Spec) (*process.Process, error) {
	spec.Dir, spec.Env = u.up.Project.Directory, process.MergeEnv(u.request.Environ, plain)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return nil, context.Canceled
	}
	p, err := u.runner.options.Start(spec)
	u.process = p
	return p, err
}

// await waits for the end of a command. Its last line says why it failed.
func (u *update) await(p *process.Process, last *lastLine) error {
	u.see(p, last.unmade)
	u.mu.Lock()
	u.process = nil
	u.mu.Unlock()
	if exit := p.Exit(); exit.Code != 0 {
		return &commandError{exit, reason(last.text(), exit)}
	}
	return nil
}

// writers write to both.
type writers [2]interface{ Write([]byte) (int, error) }

func (w writers) Write(p []byte) (int, error) {
	_, _ = w[0].Write(p) // Neither fails.
	return w[1].Write(p)
}

// lastLine keeps the last line that isn't empty. With unmade it keeps what the lines say is being made.
type lastLine struct {
	line, rest []byte
	unmade     *unmade
}

// longestReason is how much of a line is kept.
const longestReason = 8 << 10

func (l *lastLine) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		l.rest = append(l.rest, line...)
		l.rest = l.rest[:min(len(l.rest), longestReason)]
		if bytes.HasSuffix(line, []byte("\n")) {
			l.end()
		}
	}
	return len(p), nil
}

func (l *lastLine) end() {
	if line := bytes.TrimSpace(l.rest); len(line) > 0 {
		l.line = bytes.Clone(line)
		if l.unmade != nil {
			l.unmade.note(line)
		}
	}
	l.rest = l.rest[:0]
}

func (l *lastLine) text() string {
	l.end()
	return string(l.line)
}
