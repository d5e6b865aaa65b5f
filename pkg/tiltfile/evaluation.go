// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/compose"
	"tilt.dev/session/pkg/tiltfile/config"
	"tilt.dev/session/pkg/tiltfile/images"
	"tilt.dev/session/pkg/tiltfile/kubernetes"
)

// evaluation is the state of one evaluation. Only the goroutine of Load uses it.
type evaluation struct {
	*builtins.Evaluation
	limits limits
	// executed is true once the main file was read.
	executed bool
	// modules are the globals of the files that were executed, by path. They are nil for a file that is being
	// executed.
	modules map[string]starlark.StringDict
	// scopes are in the order in which they began.
	scopes []*builtins.Scope
	// builtins are the values that every file can use.
	builtins starlark.StringDict

	// The subjects whose state is part of the result.
	environ *builtins.Environ
	objects *builtins.Objects
	config  *config.Config
	images  *images.Images
	compose *compose.Compose
	cluster *kubernetes.Kubernetes
	// repositories and extensions are in the order of their definition.
	repositories []*extensionRepo
	extensions   []*definedExtension
}

// newEvaluation creates the subjects of the builtins. A subject that is later in the list replaces the builtins that
// earlier ones have under the same name.
func newEvaluation(ctx context.Context, options Options) *evaluation {
	shared := builtins.NewEvaluation(ctx, options)
	e := &evaluation{
		Evaluation: shared,
		limits:     defaultLimits(shared.MaxDataSize),
		modules:    map[string]starlark.StringDict{},
		environ:    builtins.NewEnviron(shared),
		config:     config.New(shared),
	}
	e.objects = builtins.NewObjects(shared)
	e.images = images.New(shared, e.environ)
	e.compose = compose.New(shared, e.environ, e.images)
	e.cluster = kubernetes.New(shared, e.environ, e.images)
	e.Thread.Print = func(_ *starlark.Thread, text string) { e.Info(text) }
	e.Thread.Load = func(_ *starlark.Thread, name string) (starlark.StringDict, error) { return e.load(name) }
	e.builtins = builtins.Universe(
		builtins.Values(),
		shared.Encoding(),
		shared.Files(),
		shared.Settings(),
		shared.Messages(),
		e.environ.Library(),
		shared.Resources(),
		e.objects.Library(),
		e.config.Library(),
		e.images.Library(),
		e.compose.Library(),
		e.cluster.Library(),
		e.library(),
	)
	return e
}

// project runs the evaluation and returns its result.
func (e *evaluation) project() (model.Project, error) {
	stop := e.enforceLimits()
	defer stop()
	err := e.run()
	project := model.Project{
		MaxParallelUpdates: e.MaxParallelUpdates,
		Inputs:             e.Inputs,
		Ignores:            e.IgnoreSets(e.watched()),
	}
	if e.executed {
		ci := e.CI // A copy: the project doesn't hold the evaluation.
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

// watched returns the paths that the run watches.
func (e *evaluation) watched() []string {
	paths := append([]string{e.MainDirectory()}, e.Inputs...)
	resources, _ := e.AllResources()
	for _, r := range resources {
		paths = append(paths, r.Deps...)
	}
	paths = append(paths, e.images.WatchedPaths()...)
	paths = append(paths, e.compose.WatchedPaths()...)
	paths = append(paths, e.cluster.WatchedPaths()...)
	return append(paths, e.objects.WatchedPaths()...)
}

// run executes the main file and then the extensions.
func (e *evaluation) run() error {
	if err := e.Context.Err(); err != nil {
		return err
	}
	source, err := e.readSource(e.Path)
	ignoreErr := e.ReadIgnoreFile()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Error{KindMissing, fmt.Sprintf("No Tiltfile found at paths '%s'. "+
			"Write one there, or name another: with --file, or in the Session's spec.tiltfilePath.", e.Path), err}
	case err != nil:
		return &Error{KindUnreadable, err.Error(), err}
	}
	e.executed = true
	if ignoreErr != nil {
		return ignoreErr
	}
	if err := e.executeScope(e.Scope, e.Path, source); err != nil {
		return err
	}
	return e.runExtensions()
}

// executeScope executes a Tiltfile in a scope of its own.
func (e *evaluation) executeScope(scope *builtins.Scope, path string, source []byte) error {
	e.Scope = scope
	e.scopes = append(e.scopes, scope)
	if _, err := e.execute(path, "__main__", source); err != nil && !errors.Is(err, builtins.ErrExit) {
		return err
	}
	return nil
}

// assemble adds to the project what the Tiltfile defines.
func (e *evaluation) assemble(project *model.Project) error {
	if err := e.images.Resolve(); err != nil {
		return err
	}
	resources, scopes := e.AllResources()
	composed, composedScopes, err := e.compose.Resources()
	if err != nil {
		return err
	}
	deployed, deployedScopes, err := e.cluster.Resources()
	if err != nil {
		return err
	}
	if err := checkNames(composed, deployed); err != nil {
		return err
	}
	resources, scopes = append(resources, composed...), append(scopes, composedScopes...)
	resources, scopes = append(resources, deployed...), append(scopes, deployedScopes...)
	for i, scope := range scopes {
		if scope.Label != "" && model.ValidateLabel(scope.Label) == nil {
			resources[i].Labels = append(slices.Clone(resources[i].Labels), scope.Label)
		}
	}
	environ := e.environ.Changes()
	used := images.Used{Deployed: usedImages(deployed), Composed: usedImages(composed), Configs: "Kubernetes"}
	switch {
	case len(composed) > 0 && len(deployed) > 0:
		used.Configs = "Docker Compose or Kubernetes"
	case len(composed) > 0:
		used.Configs = "Docker Compose"
	}
	if len(deployed) > 0 {
		if used.Cluster, err = e.Kubernetes.Known(); err != nil {
			return err
		}
		if kubeconfig := e.environ.Kubeconfig(); kubeconfig != "" {
			environ["KUBECONFIG"] = &kubeconfig
		}
	}
	project.Images = e.images.Project(used)
	if len(resources) == 0 {
		text := fmt.Sprintf("No resources found. Define one with local_resource() in '%s'.", e.Path)
		return &Error{KindResources, text, nil}
	}
	resources, warnings, err := model.ResolveDependencies(resources)
	if err != nil {
		return &Error{KindResources, err.Error(), err}
	}
	for _, warning := range warnings {
		e.Warn("%s", warning)
	}
	model.AddBuildDeps(resources)
	enabled, err := e.enabled(resources, scopes)
	if err != nil {
		return &Error{KindResources, err.Error(), err}
	}
	project.Resources, project.Enabled, project.Environ = resources, enabled, environ
	project.Companions = e.objects.Companions(enabled)
	project.Buttons = e.objects.Buttons()
	return nil
}

// checkNames returns an error for a name that a Compose service and a Kubernetes resource have.
func checkNames(composed, deployed []model.Resource) error {
	for _, r := range deployed {
		if slices.ContainsFunc(composed, func(other model.Resource) bool { return other.Name == r.Name }) {
			return fmt.Errorf("dc_resource named %q already exists: a Compose service and a Kubernetes resource have this "+
				"name. Rename one of them with dc_resource('%s', new_name='...') or k8s_resource('%s', new_name='...')",
				r.Name, r.Name, r.Name)
		}
	}
	return nil
}

// usedImages returns the names of the images that resources use.
func usedImages(resources []model.Resource) []string {
	var names []string
	for _, r := range resources {
		names = append(names, r.Images...)
	}
	return names
}

// enabled returns which resources start enabled: those that their scopes enable, as Select says.
func (e *evaluation) enabled(resources []model.Resource, scopes []*builtins.Scope) (model.Selection, error) {
	everything := true
	var names []string
	for _, scope := range e.scopes {
		var own []model.Resource
		for i, s := range scopes {
			if s == scope {
				own = append(own, resources[i])
			}
		}
		selection, err := e.config.Enabled(scope, own)
		if err != nil {
			return model.Selection{}, err
		}
		everything = everything && selection.All
		for _, r := range own {
			if selection.Contains(r.Name) {
				names = append(names, r.Name)
			}
		}
	}
	switch {
	case everything:
		return model.Selection{All: true}, nil
	case len(names) == 0:
		return model.Selection{}, nil
	}
	return e.Select(resources, names)
}
