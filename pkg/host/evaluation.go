// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile"
)

// Evaluation evaluates a Tiltfile, and runs nothing but what that calls with local().
type Evaluation struct {
	Engines
	// Subcommand is what the Tiltfile sees as config.tilt_subcommand.
	Subcommand string
	// Tiltfile is the absolute path of the Tiltfile, Args are its arguments.
	Tiltfile string
	Args     []string
	Log      *logs.Store
	Warn     func(error)
}

// TiltfileError is the error of a Tiltfile that can't be evaluated.
type TiltfileError struct{ err error }

func (e *TiltfileError) Error() string { return e.err.Error() }
func (e *TiltfileError) Unwrap() error { return e.err }

// Run returns what the Tiltfile defines. Its error is a *TiltfileError if that can't be evaluated. When ctx is done it
// gives up.
func (e *Evaluation) Run(ctx context.Context) (project model.Project, err error) {
	es, err := newEngines(e.Engines, e.Warn)
	if err != nil {
		return project, fmt.Errorf("prepare to run commands: %w", err)
	}
	defer func() { err = errors.Join(err, es.close()) }()
	return es.evaluate(ctx, e.Subcommand, e.Tiltfile, e.Args, e.Log)
}

// evaluate evaluates a Tiltfile once. Its error is a *TiltfileError.
func (es *engines) evaluate(
	ctx context.Context, subcommand, path string, args []string, log *logs.Store,
) (model.Project, error) {
	load := &loader{engines: es, log: log, subcommand: subcommand, streams: tiltfile.NewStreams(es.OpenFiles)}
	project, err := load.Load(ctx, engine.LoadInput{Path: path, Args: args})
	if err != nil {
		return project, &TiltfileError{errors.New(log.Redacted(err.Error()))}
	}
	return project, nil
}
