// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package images has the builtins by which a Tiltfile declares image builds: docker_build, custom_build, the steps of
// live_update, and default_registry.
//
// A build is known by its name: the reference that the Tiltfile gives it in familiar form, such as "web" or "web:dev".
// An evaluation uses a value of type Images in this order:
//
//	images := New(evaluation)
//	images.Library()                        // the builtins; the Tiltfiles are executed
//	images.Resolve()                        // bases, cycles, steps: the errors of the builds as a whole
//	images.Match("web:1.2")                 // which build makes the image of a reference in a Kubernetes object
//	images.Find("web")                      // which build an image_deps= means
//	images.Uses("web", names)               // what the deploy of a resource needs to know of its images
//	images.LiveUpdates(names)               // how changed files of these images and their bases get into containers
//	images.InCompose(references)            // which build makes the image of a Compose service
//	images.Project(used)                    // the images of the project; warns of the builds that nothing uses
//
// Builtins of other packages that take live_update= have a parameter of type LiveUpdate.
package images

import (
	"maps"

	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// Images are the image builds that the Tiltfiles of one evaluation declare.
type Images struct {
	evaluation *builtins.Evaluation
	environ    *builtins.Environ
	registry   *model.Registry
	// asked are the references that Match was called with.
	asked []string
	// builds are in the order of their declaration. byRepository has the same by their repositories.
	builds       []*build
	byRepository map[string][]*build
	// steps are all steps of live updates that were created.
	steps []*step
}

// build is a docker_build or custom_build.
type build struct {
	name     dockerfile.Name
	position syntax.Position
	// use is how objects use the image, without what depends on other builds.
	use model.ImageUse
	// docker or custom is set.
	docker *model.DockerBuild
	custom *model.CustomBuild
	// needs are the references to base images: those in a Dockerfile, which other images may match, or those of
	// image_deps, which must be builds.
	needs []string
	// bases are the builds that needs mean, once they are resolved.
	bases []*build
	// deps are the absolute paths that are watched, except ignores.
	deps    []string
	ignores []model.IgnoreSet
	// liveUpdate has the steps of live_update=, nil without.
	liveUpdate *model.LiveSteps
}

// New returns the images of an evaluation.
func New(e *builtins.Evaluation, environ *builtins.Environ) *Images {
	return &Images{evaluation: e, environ: environ, byRepository: map[string][]*build{}}
}

// Library returns the builtins.
func (i *Images) Library() builtins.Library {
	l := builtins.Functions(map[string]builtins.Function{
		"custom_build":     i.customBuild,
		"default_registry": builtins.Unpacking(i.defaultRegistry),
		"docker_build":     i.dockerBuild,
	})
	maps.Copy(l, i.stepLibrary())
	return l
}

// WatchedPaths returns the files and directories that the builds depend on.
func (i *Images) WatchedPaths() []string {
	var paths []string
	for _, b := range i.builds {
		paths = append(paths, b.deps...)
	}
	return paths
}
