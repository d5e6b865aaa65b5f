// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// DownOptions configure Down.
type DownOptions struct {
	// Selected says which resources are removed; the others and the networks stay. Nil removes whole projects.
	Selected func(resource string) bool
	// Volumes also removes the volumes of whole projects.
	Volumes bool
	// Environ is the environment of Compose.
	Environ []string
	// Log gets what is done.
	Log engine.Log
}

// Uses reports whether resources have Compose services.
func Uses(resources []model.Resource) bool { return len(projectsOf(resources)) > 0 }

// projectsOf are the Compose projects of resources, in the order of their first services.
func projectsOf(resources []model.Resource) (projects []*model.ComposeProject) {
	seen := map[string]bool{}
	for i := range resources {
		if up, ok := resources[i].Update.(*model.ComposeUp); ok && !seen[up.Project.Name] {
			seen[up.Project.Name] = true
			projects = append(projects, up.Project)
		}
	}
	return projects
}

// Down removes the projects of a Tiltfile: whole ones with their orphans and networks, or the containers of selected
// services. It waits until they are gone, or gives up when ctx is done.
func (r *Runner) Down(ctx context.Context, resources []model.Resource, options DownOptions) error {
	var errs []error
	for _, p := range projectsOf(resources) {
		var err error
		if options.Selected == nil {
			err = r.downProject(ctx, p, options)
		} else {
			err = r.downServices(ctx, p, resources, options)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("remove project %q: %w", p.Name, err))
		}
	}
	return errors.Join(errs...)
}

// downGrace is how long Compose has to end when Down gives up.
const downGrace = 2 * time.Second

func (r *Runner) downProject(ctx context.Context, p *model.ComposeProject, options DownOptions) error {
	t, err := r.tool(ctx, options.Environ)
	if err != nil {
		return err
	}
	command := []string{"down", "--remove-orphans"}
	if options.Volumes {
		command = append(command, "--volumes")
	}
	argv := t.command(p, nil, command...)
	options.Log.Append(logs.LevelInfo, "Running cmd: "+shown(argv))
	log := options.Log.Writer()
	defer log.Close()
	last := &lastLine{}
	started, err := r.options.Start(process.Spec{
		Argv: argv, Dir: p.Directory, Env: process.MergeEnv(options.Environ, plain), Output: writers{log, last},
	})
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { started.Stop(downGrace) })()
	<-started.Done()
	if exit := started.Exit(); exit.Code != 0 {
		return errors.New(reason(last.text(), exit))
	}
	return nil
}

func (r *Runner) downServices(ctx context.Context, p *model.ComposeProject, resources []model.Resource,
	options DownOptions) error {
	client, err := r.connect(ctx, options.Environ)
	if err != nil {
		return err
	}
	var errs []error
	for i := range resources {
		up, ok := resources[i].Update.(*model.ComposeUp)
		if !ok || up.Project.Name != p.Name || !options.Selected(resources[i].Name) {
			continue
		}
		errs = append(errs, removeService(ctx, client, options.Log, serviceKey{p.Name, up.Service}))
	}
	return errors.Join(errs...)
}
