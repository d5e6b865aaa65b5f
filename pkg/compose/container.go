// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tilt.dev/session/pkg/compose/dockerapi"
	"tilt.dev/session/pkg/liveupdate"
	"tilt.dev/session/pkg/private"
	"tilt.dev/session/pkg/process"
)

// container is a container of a service that takes files. Docker's own client runs the commands in it.
type container struct {
	runner   *Runner
	environ  []string
	client   *dockerapi.Client
	id, name string
	started  time.Time
}

var _ liveupdate.Restarter = (*container)(nil)

func (c *container) String() string { return c.name }

// Exec implements liveupdate.Container.
func (c *container) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) error {
	spec := process.Spec{
		Argv: slices.Concat([]string{"docker", "exec", "-i", c.id}, argv), Env: c.environ,
		Output: io.Discard, Stderr: io.Discard,
	}
	if stdout != nil {
		spec.Output = stdout
	}
	if stderr != nil {
		spec.Stderr = stderr
	}
	var feeding sync.WaitGroup
	if stdin != nil {
		in, out, err := os.Pipe()
		if err != nil {
			return err
		}
		spec.Stdin = in
		defer feeding.Wait()
		defer in.Close()
		feeding.Go(func() {
			defer out.Close()
			_, _ = io.Copy(out, stdin) // The command says what it lacks.
		})
	}
	p, err := c.runner.options.Start(spec)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { p.Stop(0) })()
	<-p.Done()
	exit := p.Exit()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case exit == process.Exit{}:
		return nil
	}
	return c.failure(ctx, exit)
}

// failure is why a command has failed: because of its container, or by itself.
func (c *container) failure(ctx context.Context, exit process.Exit) error {
	now, err := c.client.Inspect(ctx, c.id)
	switch {
	case err == nil && now.State.Status != dockerapi.StatusRunning && now.State.Status != dockerapi.StatusRestarting,
		dockerapi.IsNotFound(err):
		return liveupdate.ErrGone
	case err != nil:
		return fmt.Errorf("%w: %w", liveupdate.ErrAway, err)
	case !now.State.StartedAt.Equal(c.started):
		return fmt.Errorf("%w: it has started again", liveupdate.ErrGone)
	case exit.Signal != "":
		return fmt.Errorf("docker exec: %s", exit)
	}
	return &liveupdate.ExitError{Code: exit.Code}
}

// Restart implements liveupdate.Restarter.
func (c *container) Restart(ctx context.Context) error {
	err := c.client.Restart(ctx, c.id, dockerapi.DefaultStopTimeout)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case dockerapi.IsNotFound(err):
		return fmt.Errorf("%w: %w", liveupdate.ErrGone, err)
	case !dockerapi.IsAnswer(err):
		return fmt.Errorf("%w: %w", liveupdate.ErrAway, err)
	}
	return err
}

const (
	// helperPatience is how long the helper may take to be pulled and copied.
	helperPatience = 2 * time.Minute
	// removalPatience is how long the removal of its container may take.
	removalPatience = 10 * time.Second
)

// helperFile is the program that is brought into containers without tar, a static BusyBox, which wants such a name.
const helperFile = "/busybox-tilt-session"

// Equip implements liveupdate.Container. The program is copied out of the image of the helper by way of this machine.
func (c *container) Equip(ctx context.Context, _ []string) (program string, err error) {
	directory, err := private.TemporaryDirectory("")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(directory)
	ending := context.WithoutCancel(ctx)
	ctx, cancel := context.WithTimeout(ctx, helperPatience)
	defer cancel()
	docker := func(ctx context.Context, argv ...string) error {
		_, err := query(ctx, c.runner.options.Start, c.environ, append([]string{"docker"}, argv...)...)
		if err != nil {
			err = fmt.Errorf("docker %s: %w", argv[0], err)
		}
		return err
	}
	image := c.runner.options.Helper
	helper := "tilt-session-live-update-" + rand.Text()
	interrupted := false
	defer func() {
		ctx, cancel := context.WithTimeout(ending, removalPatience)
		defer cancel()
		// It may not have been made, or may be made later.
		for end := time.Now().Add(lateness); docker(ctx, "rm", helper) != nil && interrupted && time.Now().Before(end); {
			pause(ctx, glance)
		}
	}()
	if err := docker(ctx, "create", "-q", "--name", helper, image, "sh"); err != nil {
		interrupted = ctx.Err() != nil
		return "", fmt.Errorf("%w; if it can't pull the image %s, give it a copy with --live-update-helper, or use an image "+
			"with tar where you develop", err, image)
	}
	file := filepath.Join(directory, "busybox")
	err = docker(ctx, "cp", "-q", helper+":/bin/busybox", file)
	if err == nil {
		err = docker(ctx, "cp", "-q", file, c.id+":"+helperFile)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		err = fmt.Errorf("%w; or use an image with tar where you develop", err)
	}
	return helperFile, err
}
