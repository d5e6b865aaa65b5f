// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/images"
)

// WatchedPaths returns the directories that builds by Docker Compose depend on.
func (c *Compose) WatchedPaths() []string {
	var paths []string
	for _, p := range c.projects {
		for _, s := range p.services {
			paths = append(paths, s.contexts()...)
		}
	}
	return paths
}

// contexts are the directories of this machine that the service is built from.
func (s *service) contexts() []string {
	if s.config.Build == nil {
		return nil
	}
	var all []string
	additional := s.config.Build.AdditionalContexts
	names := slices.Sorted(maps.Keys(additional))
	for i := range len(names) + 1 {
		path := s.config.Build.Context
		if i > 0 {
			path = additional[names[i-1]]
		}
		// Others are URLs, images and services.
		if info, err := os.Stat(path); filepath.IsAbs(path) && err == nil && info.IsDir() {
			all = append(all, path)
		}
	}
	return all
}

// watch sets which files the build of a service depends on. It returns the content of the Dockerfile.
func (c *Compose) watch(s *service, r *model.Resource) (content string, err error) {
	file := s.dockerfile()
	if file != "" {
		// A missing one is an error of the build. It is an input as well.
		text, _ := c.evaluation.ReadData(file)
		content = string(text)
	}
	owner := fmt.Sprintf("Compose service %q", s.config.Name)
	for i, context := range s.contexts() {
		if s.mounts(context) {
			continue
		}
		own := ""
		if i == 0 {
			own = file
		}
		deps, ignores, err := c.images.Context(images.Context{
			Directory: context, Dockerfile: own, Owner: owner, Position: s.project.position,
			Without: slices.Concat(s.mounted(context), s.project.Files),
		})
		if err != nil {
			return "", err
		}
		r.Deps, r.Ignores = append(r.Deps, deps...), append(r.Ignores, ignores...)
	}
	return content, nil
}

// dockerfile is the path of the Dockerfile of a service that is built, empty if it isn't on this machine.
func (s *service) dockerfile() string {
	b := s.config.Build
	switch {
	case b.DockerfileInline != "" || !filepath.IsAbs(b.Context):
		return ""
	case filepath.IsAbs(b.Dockerfile):
		return b.Dockerfile
	}
	return filepath.Join(b.Context, b.Dockerfile)
}

// mounted are the sources of the bind mounts below a directory.
func (s *service) mounted(directory string) []string {
	var paths []string
	for _, volume := range s.config.Volumes {
		if volume.Type == types.VolumeTypeBind && images.Below(directory, volume.Source) {
			paths = append(paths, volume.Source)
		}
	}
	return paths
}

// mounts reports whether a whole directory is mounted into the containers.
func (s *service) mounts(directory string) bool {
	return slices.ContainsFunc(s.config.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Type == types.VolumeTypeBind && images.Below(v.Source, directory)
	})
}
