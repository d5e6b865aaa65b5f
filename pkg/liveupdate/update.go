// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package liveupdate brings changed files into one running container and runs commands there.
//
// An update has these parts, in this order:
//
//  1. What no longer exists here is removed there: `rm -rf PATH...`.
//  2. What exists is copied: `tar -C / -x -p -f -`, with an archive at its standard input. A shell runs it, which reads
//     what tar leaves: some container runtimes never end a command that doesn't read all of its input.
//  3. The commands of the steps whose triggers changed run, in their order, until one fails.
//  4. The container starts again, if the steps say so and it keeps its files.
//
// A part without work needs no command, so that one file takes one. Whether a file exists is found out when its part
// begins; one that vanishes after that is removed after the copies.
//
// # The archive
//
// Paths are those of the first sync that has the file. If several syncs lead to one path, the file of the last one is
// copied. Files belong to the user of the container, or to root if that is root. They keep their mode and the whole
// seconds of their modification time. Symbolic links are copied as links. Missing directories are made; an existing one
// is left as it is, unless the directory itself has changed. Sockets, pipes and devices are left out. Contents are
// streamed. A file that shrinks while it is read is filled up with zeros, and what it grows by is left out: its next
// change brings it again. The format is that of GNU tar without extensions that BusyBox doesn't know.
//
// # The container
//
// The commands run as the container's user. An image without them gets a static program that has them, by
// Container.Equip. The root directory is never removed, and no file outside of the paths of the syncs is touched.
//
// # Failures
//
// A command of the steps that ends with a code fails the update with a *RunError; its files stay. A code of 137 isn't
// its own: it was killed. ErrGone and ErrAway are about the container. ErrAway is tried again for half a minute, all
// parts from the beginning. Any other error means that only another container can have the files; it says which
// container it is about, and what to do if that is known.
//
// Files aren't compared with those in the container.
package liveupdate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// DefaultHelper is the image whose BusyBox, which is linked statically, is brought into containers without tar.
const DefaultHelper = "docker.io/library/busybox:1.37.0-musl"

// Container is a container that runs. Its text is its name in messages, such as "pod/container".
type Container interface {
	fmt.Stringer
	// Exec runs a command until it has ended. Streams may be nil. The error is an *ExitError if the command ended with
	// another code than 0. It wraps ErrGone or ErrAway if that is the reason; a container that ends is noticed whatever
	// the command does. Nothing is written after the return.
	Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error
	// Equip brings a static program into the container whose first argument may be sh, tar, cat or rm, and returns its
	// path. It may be put into one of the directories if there is no better place.
	Equip(ctx context.Context, directories []string) (program string, err error)
}

// Restarter is a Container that keeps its files when its process is started again.
type Restarter interface {
	Container
	// Restart ends the process of the container and starts another one.
	Restart(ctx context.Context) error
}

// ExitError is the end of a command with another code than 0.
type ExitError struct{ Code int }

func (e *ExitError) Error() string { return fmt.Sprintf("exited with code %d", e.Code) }

var (
	// ErrGone is for a container that doesn't run any more.
	ErrGone = errors.New("the container has ended")
	// ErrAway is for a container that can't be reached for now.
	ErrAway = errors.New("the container can't be reached")
	// ErrStopped is for an update that was stopped.
	ErrStopped = errors.New("stopped")
)

// RunError is the failure of a command of the steps.
type RunError struct {
	Container string
	Argv      []string
	Code      int
}

func (e *RunError) Error() string {
	return fmt.Sprintf("container %s: command %q exited with code %d", e.Container, commandLine(e.Argv), e.Code)
}

// Update is an update of one container.
type Update struct {
	Steps *model.LiveSteps
	// Files are the absolute paths of what has changed, been made or been removed.
	Files []string
	// Initial also copies all files of the syncs that Ignores don't except.
	Initial bool
	Ignores []model.IgnoreSet
	// Program is what Equip has returned for the container before, empty if it wasn't called. Run sets it.
	Program string
	// Log gets what is done and the output of the commands, each line of that after Prefix.
	Log    engine.Log
	Prefix string
	// Brief leaves the names of the files out of the log, for an update whose like another container gets.
	Brief bool
	// Stop ends the update before its next command.
	Stop <-chan struct{}
}

// killed is the exit code of a command that was killed, perhaps with its container.
const killed = 128 + 9

// patience is how long a container may be away.
const patience = 30 * time.Second

// again is how an update is repeated while its container is away.
var again = wait.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 6, Cap: 5 * time.Second}

// Run does the update. It returns once nothing of it is left. It isn't called again.
func (u *Update) Run(ctx context.Context, c Container) error {
	files := u.Files
	if u.Initial {
		all, err := initialFiles(u.Steps.Syncs, u.Ignores)
		if err != nil {
			return fmt.Errorf("container %s: initial sync: %w", c, err)
		}
		files = slices.Concat(all, files)
	}
	delays, begin, told := again, time.Now(), false
	for {
		err := u.attempt(ctx, c, files)
		if err != nil && errors.Is(context.Cause(ctx), ErrGone) {
			err = context.Cause(ctx)
		}
		if !errors.Is(err, ErrAway) || ctx.Err() != nil || time.Since(begin) > patience {
			return u.tell(c, err)
		}
		if !told {
			u.Log.Append(logs.LevelWarn, fmt.Sprintf("  → Container %s: %s; trying again", c, reason(c, err)))
			told = true
		}
		timer := time.NewTimer(delays.Step())
		select {
		case <-timer.C:
		case <-u.Stop:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// tell logs how the update has ended.
func (u *Update) tell(c Container, err error) error {
	switch {
	case err == nil:
		u.Log.Append(logs.LevelInfo, fmt.Sprintf("  → Container %s updated!", c))
	case errors.Is(err, ErrGone):
		u.Log.Append(logs.LevelInfo, fmt.Sprintf("  → Container %s has ended", c))
	case errors.Is(err, ErrStopped), errors.Is(err, context.Canceled):
	default:
		u.Log.Append(logs.LevelError, fmt.Sprintf("  → Failed to update container %s: %s", c, reason(c, err)))
	}
	return err
}

// reason is an error without the container.
func reason(c Container, err error) string {
	return strings.TrimPrefix(err.Error(), fmt.Sprintf("container %s: ", c))
}

// attempt does all parts once.
func (u *Update) attempt(ctx context.Context, c Container, files []string) error {
	p, err := newPlan(u.Steps, files)
	if err != nil {
		return fmt.Errorf("container %s: %w", c, err)
	}
	if err := u.remove(ctx, c, p.deletions); err != nil {
		return err
	}
	if len(p.copies) > 0 {
		vanished, err := u.copy(ctx, c, p.copies)
		if err == nil {
			err = u.remove(ctx, c, vanished)
		}
		if err != nil {
			return err
		}
	}
	for i, run := range p.runs {
		if err := u.run(ctx, c, run, fmt.Sprintf("[CMD %d/%d]", i+1, len(p.runs))); err != nil {
			return err
		}
	}
	if restarter, ok := c.(Restarter); ok && u.Steps.Restart {
		u.Log.Append(logs.LevelInfo, u.Prefix+"Restarting the container")
		if err := restarter.Restart(ctx); err != nil {
			return fmt.Errorf("container %s: restart: %w", c, err)
		}
	}
	return nil
}

// run runs a command of the steps.
func (u *Update) run(ctx context.Context, c Container, run model.LiveRun, label string) error {
	if err := u.stopped(ctx); err != nil {
		return err
	}
	if !run.EchoOff {
		u.Log.Append(logs.LevelInfo, u.Prefix+label+" "+commandLine(run.Argv))
	}
	output := u.Log.Writer()
	defer output.Close()
	var writer io.Writer = output
	if u.Prefix != "" {
		writer = &prefixer{to: output, prefix: u.Prefix}
	}
	err := c.Exec(ctx, run.Argv, nil, writer, writer)
	var exit *ExitError
	if errors.As(err, &exit) && exit.Code != killed {
		return &RunError{c.String(), run.Argv, exit.Code}
	}
	if err != nil {
		return fmt.Errorf("container %s: command %q: %w", c, commandLine(run.Argv), err)
	}
	return nil
}

// stopped is the error of an update that mustn't begin another command.
func (u *Update) stopped(ctx context.Context) error {
	select {
	case <-u.Stop:
		return ErrStopped
	default:
		return context.Cause(ctx)
	}
}
