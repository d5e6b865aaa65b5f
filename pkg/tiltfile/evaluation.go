// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// evaluation is the state of one evaluation. Only the goroutine of Load uses
// it; it lives as long as that call, which is why it may hold a context.
type evaluation struct {
	ctx      context.Context
	options  Options
	thread   *starlark.Thread
	builtins starlark.StringDict
	limits   limits
	// heapLimit is how large the live heap of the process may become.
	heapLimit uint64
	// modules are the files that were executed, by path. A nil module is being
	// executed now.
	modules map[string]*module
	// executed is true as soon as the main file could be read.
	executed bool
	inputs   []string
	// ignores are those that the Tiltfile and the .tiltignore ask for.
	ignores []model.IgnoreSet

	// scope is the innermost one, and scopes are all in the order in which they
	// began.
	*scope
	scopes []*scope

	environ            *environ
	objects            apiObjects
	resources          []*definition
	defined            map[string]bool
	maxParallelUpdates int
	ci                 model.CISettings
}

func newEvaluation(ctx context.Context, options Options) *evaluation {
	if options.Streams == nil {
		options.Streams = NewStreams(false)
	}
	e := &evaluation{
		ctx:                ctx,
		options:            options,
		limits:             generous(cmp.Or(options.MaxDataSize, DefaultMaxDataSize)),
		defined:            map[string]bool{},
		modules:            map[string]*module{},
		environ:            newEnviron(options.Environ),
		objects:            newAPIObjects(),
		maxParallelUpdates: model.DefaultMaxParallelUpdates,
	}
	e.thread = &starlark.Thread{
		Name:  options.Path,
		Print: func(_ *starlark.Thread, text string) { e.log(logs.LevelInfo, text) },
		Load:  e.load,
	}
	e.builtins = e.universe()
	return e
}

// project runs the evaluation and returns its result.
func (e *evaluation) project() (model.Project, error) {
	err := e.run()
	project := model.Project{MaxParallelUpdates: e.maxParallelUpdates, Inputs: e.inputs, Ignores: e.allIgnores()}
	if e.executed {
		ci := e.ci // of the evaluation nothing else stays
		project.CI = &ci
	}
	if err == nil {
		err = e.assemble(&project)
	}
	if err != nil {
		return project, e.explain(err)
	}
	return project, nil
}

// run executes the main file.
func (e *evaluation) run() error {
	stop := e.enforceLimits()
	defer stop()
	if err := e.ctx.Err(); err != nil {
		return err
	}
	path := e.options.Path
	source, err := e.readSource(path)
	ignoreErr := e.readIgnoreFile()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{KindMissing, fmt.Sprintf("No Tiltfile found at paths '%s'. Write one there, or name another: with --file, or in the Session's spec.tiltfilePath.", path), err}
	case err != nil:
		return &Error{KindUnreadable, err.Error(), err}
	}
	e.executed = true
	if ignoreErr != nil {
		return ignoreErr
	}
	if err := e.executeAlone(path, source, e.options.Args); err != nil {
		return err
	}
	return e.runExtensions()
}

// executeAlone executes a Tiltfile in a scope of its own.
func (e *evaluation) executeAlone(path string, source []byte, args []string) error {
	leave := e.enterScope(args)
	defer leave()
	if _, err := e.execute(path, "__main__", source); err != nil && !errors.Is(err, errExit) {
		return err
	}
	return nil
}

// assemble turns what the Tiltfile defined into the project.
func (e *evaluation) assemble(project *model.Project) error {
	if len(e.resources) == 0 {
		return &Error{KindResources, fmt.Sprintf("No resources found. Define one with local_resource() in '%s'.", e.options.Path), nil}
	}
	resources := make([]model.Resource, len(e.resources))
	for i, d := range e.resources {
		resources[i] = d.resource()
	}
	resources, warnings, err := model.ResolveDependencies(resources)
	if err != nil {
		return &Error{KindResources, err.Error(), err}
	}
	for _, warning := range warnings {
		e.log(logs.LevelWarn, warning)
	}
	enabled, err := e.enabled(resources)
	if err != nil {
		return &Error{KindResources, err.Error(), err}
	}
	project.Resources, project.Enabled, project.Environ = resources, enabled, e.environ.changes()
	project.Companions = e.companions(enabled)
	return nil
}

// directory is what relative paths are relative to: the directory of the file
// whose top level is being executed.
func (e *evaluation) directory() string {
	for depth := range e.thread.CallStackDepth() {
		if frame := e.thread.CallFrame(depth); frame.Name == "<toplevel>" {
			return e.directoryOf(frame.Pos.Filename())
		}
	}
	return e.directoryOf(e.options.Path)
}

// absolute resolves a path that the Tiltfile gave, and cleans it.
func (e *evaluation) absolute(path string) string { return filepath.Clean(e.abspath(path)) }

// addInput notes that the result depends on the file at an absolute path.
func (e *evaluation) addInput(path string) {
	if !slices.Contains(e.inputs, path) {
		e.inputs = append(e.inputs, path)
	}
}

func (e *evaluation) log(level logs.Level, text string) {
	if e.options.Log != nil {
		e.options.Log(level, strings.TrimSuffix(text, "\n"))
	}
}
