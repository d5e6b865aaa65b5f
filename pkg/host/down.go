// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/deploy"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
	"tilt.dev/session/pkg/tiltfile"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// Down says what is removed from a cluster.
type Down struct {
	Engines
	// Tiltfile is the absolute path of the Tiltfile, Args are its arguments.
	Tiltfile string
	Args     []string
	// DeleteNamespaces also deletes the Namespaces that the project created.
	DeleteNamespaces bool
	Log              *logs.Store
	Warn             func(error)
}

// TiltfileError is the error of a Tiltfile that can't be evaluated.
type TiltfileError struct{ err error }

func (e *TiltfileError) Error() string { return e.err.Error() }
func (e *TiltfileError) Unwrap() error { return e.err }

// Run evaluates the Tiltfile and removes from the cluster what it deploys, and what earlier runs of it have deployed.
// It waits until that is gone; the error says what is left. When ctx is done it gives up.
func (d *Down) Run(ctx context.Context) (err error) {
	es, err := newEngines(d.Engines, d.Warn)
	if err != nil {
		return fmt.Errorf("prepare to run commands: %w", err)
	}
	defer func() { err = errors.Join(err, es.close()) }()
	load := &loader{
		engines: es, log: d.Log, subcommand: builtins.SubcommandDown, streams: tiltfile.NewStreams(d.OpenFiles),
	}
	project, err := load.Load(ctx, engine.LoadInput{Path: d.Tiltfile, Args: d.Args})
	if err != nil {
		return &TiltfileError{errors.New(d.Log.Redacted(err.Error()))}
	}
	log := engine.NewLog(d.Log, model.TiltfileResource)
	selected := project.Enabled.Contains
	if project.Enabled.All {
		selected = nil
	}
	if !deploys(&project) {
		log.Append(logs.LevelInfo, "The Tiltfile deploys nothing to Kubernetes: there is nothing to remove.")
		return nil
	}
	deployer := es.deployer(d.Tiltfile, d.Log)
	defer deployer.Close(ctx)
	return deployer.Down(ctx, project.Resources, deploy.DownOptions{
		DeleteNamespaces: d.DeleteNamespaces,
		Selected:         selected,
		Environ:          process.MergeEnv(es.environ, project.EnvironEntries()),
		Log:              log,
	})
}
