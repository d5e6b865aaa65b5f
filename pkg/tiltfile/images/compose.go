// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"

	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
)

// HasRegistry reports whether the Tiltfile has a default_registry().
func (i *Images) HasRegistry() bool { return i.registry != nil }

// InCompose returns the name of the build that makes the image of a Compose service, empty for none. The image may have
// any of the references. The error is for a build that a service can't use.
func (i *Images) InCompose(references []string) (name string, err error) {
	for _, reference := range references {
		name, ok := i.Match(reference)
		if !ok {
			continue
		}
		switch use := i.match(reference).use; {
		case use.Command != nil:
			return "", errors.New("docker_build/custom_build.entrypoint not supported for Docker Compose resources")
		case use.Args != nil:
			return "", errors.New("docker_build/custom_build.container_args not supported for Docker Compose resources")
		}
		return name, nil
	}
	return "", nil
}

// Context is a directory that another program builds an image from.
type Context struct {
	// Directory and Dockerfile are absolute. Dockerfile is empty if it isn't a file.
	Directory, Dockerfile string
	// Without are the absolute paths of what is no part of the image, or changes how it is declared.
	Without []string
	// Owner and Position say what has declared the build, for messages.
	Owner    string
	Position syntax.Position
}

// Context returns which files a build depends on, as that of docker_build().
func (i *Images) Context(c Context) (deps []string, ignores []model.IgnoreSet, err error) {
	b := &build{docker: &model.DockerBuild{Context: c.Directory, Dockerfile: c.Dockerfile}, position: c.Position}
	err = i.dockerFiles(b, &dockerParameters{}, c.Owner)
	var patterns []string
	for _, path := range c.Without {
		if relative, ok := below(c.Directory, path); ok {
			patterns = append(patterns, literal(relative))
		}
	}
	if len(patterns) > 0 {
		b.ignores = append(b.ignores, model.IgnoreSet{Base: c.Directory, Patterns: patterns, Source: c.Owner})
	}
	return b.deps, b.ignores, err
}

// Below reports whether a path is a directory or in it.
func Below(directory, path string) bool {
	_, ok := below(directory, path)
	return ok
}
