// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/private"
	"tilt.dev/session/pkg/process"
)

// build is one build of an image, from its start until the image is where it's used. One goroutine does it, one
// command at a time.
type build struct {
	builder *Builder
	request engine.UpdateRequest
	image   *model.ImageBuild
	// env is the environment of commands.
	env []string
	// switched are the variables that lead to the engine of a cluster.
	switched []string
	begun    time.Time
	node     Node
	// directory has the temporary files, empty before the first one.
	directory string

	// ctx ends with Stop.
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	// end is written before done is closed.
	end engine.End

	mu     sync.Mutex
	ending bool
	// current is the command that runs.
	current *process.Process
	// deadline is when the grace is over, zero before Stop; timer kills what runs then.
	deadline time.Time
	timer    *time.Timer
}

var _ engine.Activity = (*build)(nil)

// PID implements engine.Activity. A build is several processes, one after the other.
func (a *build) PID() int { return 0 }

// Done implements engine.Activity.
func (a *build) Done() <-chan struct{} { return a.done }

// End implements engine.Activity.
func (a *build) End() engine.End { return a.end }

// Ending implements engine.Activity.
func (a *build) Ending() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ending
}

// Stop implements engine.Activity.
func (a *build) Stop(grace time.Duration) {
	grace = max(grace, 0)
	a.mu.Lock()
	defer a.mu.Unlock()
	deadline := time.Now().Add(grace)
	first := a.deadline.IsZero()
	if a.ending || !first && !deadline.Before(a.deadline) {
		return
	}
	a.deadline = deadline
	a.cancel()
	if first && a.current != nil {
		a.current.Stop(grace)
	}
	if !first {
		a.timer.Stop()
	}
	a.timer = time.AfterFunc(grace, a.kill)
}

// kill ends what still runs.
func (a *build) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil {
		a.current.Stop(0)
	}
}

// run does the build.
func (a *build) run() {
	defer a.builder.forget(a)
	defer close(a.done)
	built, err := a.do()
	a.mu.Lock()
	a.ending = a.deadline.IsZero()
	stopped := !a.ending
	if a.timer != nil {
		a.timer.Stop()
	}
	a.mu.Unlock()
	a.cancel()
	if err != nil && a.switched != nil {
		a.builder.forgetMinikube(a.image.Cluster.Name)
	}
	if a.directory != "" {
		if removeErr := os.RemoveAll(a.directory); removeErr != nil {
			a.request.Log.Append(logs.LevelWarn, fmt.Sprintf("remove temporary files: %v", removeErr))
		}
	}
	var failed *commandError
	switch {
	case err == nil:
		a.end.Output = built
	case stopped:
		a.end.Error = "stopped"
	default:
		a.end.Error = err.Error()
	}
	if errors.As(err, &failed) && !stopped {
		a.end.Signal = failed.exit.Signal
		if failed.exit.Signal == "" {
			a.end.Code = &failed.exit.Code
		}
	}
}

// do builds the image and brings it to where it's used.
func (a *build) do() (built model.BuiltImage, err error) {
	target, err := a.target()
	if err != nil {
		return built, err
	}
	var made product
	if a.image.Custom != nil {
		made, err = a.custom(target.registry)
	} else {
		made, err = a.docker(target.registry)
	}
	if err != nil {
		return built, err
	}
	built = model.BuiltImage{Ref: made.ref, ClusterRef: made.clusterRef, BuildStart: a.begun}
	if target.how == deliverCommand && made.expected != "" {
		// Only the command knows what it has pushed, and under which tag.
		built.ClusterRef = made.expected
	}
	return built, a.bring(target, made)
}

// product is an image that was built.
type product struct {
	// ref and clusterRef are its references.
	ref, clusterRef string
	// content identifies what is in the image, empty if it isn't in the local engine.
	content string
	// expected is the cluster's reference for what a command was asked to make.
	expected string
}

// stopped is true once Stop was called.
func (a *build) stopped() bool { return a.ctx.Err() != nil }

// say adds a line to the log.
func (a *build) say(format string, args ...any) {
	a.request.Log.Append(logs.LevelInfo, fmt.Sprintf(format, args...))
}

// temporary returns a path within the directory of temporary files.
func (a *build) temporary(name string) (string, error) {
	if a.directory == "" {
		directory, err := private.TemporaryDirectory("")
		if err != nil {
			return "", fmt.Errorf("make a directory for temporary files: %w", err)
		}
		a.directory = directory
	}
	return a.directory + "/" + name, nil
}
