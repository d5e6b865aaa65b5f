// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"

	"tilt.dev/session/pkg/compose"
	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// Down says what is removed.
type Down struct {
	Engines
	// Tiltfile is the absolute path of the Tiltfile, Args are its arguments.
	Tiltfile string
	Args     []string
	// DeleteNamespaces also deletes the Namespaces that the project created.
	DeleteNamespaces bool
	// DeleteVolumes also removes the volumes of Compose projects.
	DeleteVolumes bool
	// ComposeProject is a project that is removed without a Tiltfile, by its labels. It is empty for what the Tiltfile
	// has.
	ComposeProject string
	Log            *logs.Store
	Warn           func(error)
}

// Run evaluates the Tiltfile and removes what it deploys to the cluster, and what earlier runs of it have deployed, and
// its Compose services. It waits until that is gone; the error says what is left. When ctx is done it gives up.
func (d *Down) Run(ctx context.Context) (err error) {
	es, err := newEngines(d.Engines, d.Warn)
	if err != nil {
		return fmt.Errorf("prepare to run commands: %w", err)
	}
	defer func() { err = errors.Join(err, es.close()) }()
	if d.ComposeProject != "" {
		environ := process.MergeEnv(es.environ, []string{"COMPOSE_FILE"})
		return d.compose(ctx, es, environ, []model.Resource{{Update: &model.ComposeUp{
			// A directory without a file of Compose.
			Project: &model.ComposeProject{Name: d.ComposeProject, Directory: "/"},
		}}}, nil)
	}
	project, err := es.evaluate(ctx, builtins.SubcommandDown, d.Tiltfile, d.Args, d.Log)
	if err != nil {
		return err
	}
	selected := project.Enabled.Contains
	if project.Enabled.All {
		selected = nil
	}
	environ := process.MergeEnv(es.environ, project.EnvironEntries())
	log := engine.NewLog(d.Log, model.TiltfileResource)
	composed := compose.Uses(project.Resources)
	if !composed && !deploys(&project) {
		log.Append(logs.LevelInfo,
			"The Tiltfile deploys nothing to Kubernetes and has no Compose services: there is nothing to remove.")
	}
	if deploys(&project) {
		deployer := es.deployer(d.Tiltfile, d.Log)
		defer deployer.Close(ctx)
		err = deployer.Down(ctx, project.Resources, deploy.DownOptions{
			DeleteNamespaces: d.DeleteNamespaces,
			Selected:         selected,
			Environ:          environ,
			Log:              log,
		})
	}
	if composed {
		err = errors.Join(err, d.compose(ctx, es, environ, project.Resources, selected))
	}
	return err
}

// compose removes Compose services.
func (d *Down) compose(ctx context.Context, es *engines, environ []string, resources []model.Resource,
	selected func(string) bool) error {
	log := engine.NewLog(d.Log, model.TiltfileResource)
	services := compose.New(compose.Options{Start: es.processes.Start, Projects: &es.composed, Log: log})
	defer services.Close(ctx)
	return services.Down(ctx, resources, compose.DownOptions{
		Selected: selected, Volumes: d.DeleteVolumes, Environ: environ, Log: log,
	})
}
