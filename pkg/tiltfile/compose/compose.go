// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package compose has the builtins by which a Tiltfile declares Docker Compose projects: docker_compose and
// dc_resource.
//
// docker_compose() loads a project, and loads it anew when a further call adds files to it. Each service of an active
// profile is a resource. Resources makes them once all Tiltfiles are executed:
//
//   - What a service depends on, the conditions of depends_on and dc_resource(resource_deps=) make its dependencies.
//   - A service whose completion another one waits for is a one-off: its runtime has to end with 0. So is one with
//     "x-tilt: {one_off: true}", an extension of ours. With false there, no message asks whether it is one.
//   - A docker_build or custom_build that makes the image of a service takes the place of the service's own build.
//   - What else is built is built by Docker Compose, again after changes of the build's contexts. Bind mounts are
//     exceptions: their files are in the container already. A changed Dockerfile is a new definition of the service.
//
// Variables come from the environment of the Tiltfile, and then from the env_file or the .env of the project's
// directory; COMPOSE_ENV_FILES, COMPOSE_DISABLE_ENV_FILE and COMPOSE_PROFILES count as they do for `docker compose`. As
// in Tilt, COMPOSE_PROJECT_NAME and a `name:` don't: the name is that of the directory, or project_name=.
//
// Nothing here runs `docker compose` or contacts an engine. Files that are included from a network aren't supported.
package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/data"
	"tilt.dev/session/pkg/tiltfile/images"
)

// Compose is what the Tiltfiles of one evaluation declare of Compose projects.
type Compose struct {
	evaluation *builtins.Evaluation
	environ    *builtins.Environ
	images     *images.Images
	// projects are in the order of their first calls.
	projects []*project
}

// project is a Compose project.
type project struct {
	model.ComposeProject
	// wait, position and scope are those of the first call.
	wait     bool
	position syntax.Position
	scope    *builtins.Scope
	// services are those of active profiles, by name.
	services []*service
	// parts are the networks, volumes, configs and secrets. unknown are the files, if they have what the library doesn't
	// know.
	parts   parts
	unknown []types.ConfigFile
}

// New returns what an evaluation declares.
func New(e *builtins.Evaluation, environ *builtins.Environ, images *images.Images) *Compose {
	return &Compose{evaluation: e, environ: environ, images: images}
}

// Library returns the builtins.
func (c *Compose) Library() builtins.Library {
	return builtins.Functions(map[string]builtins.Function{
		"dc_resource":    builtins.Unpacking(c.resource),
		"docker_compose": c.compose,
	})
}

// compose is docker_compose(configPaths, env_file=None, project_name="", profiles=[], wait=False).
func (c *Compose) compose(call *builtins.Call) (starlark.Value, error) {
	var a struct {
		Files       sources             `arg:"configPaths"`
		EnvFile     builtins.Path       `arg:"env_file??"`
		ProjectName string              `arg:"project_name??"`
		Profiles    builtins.StringList `arg:"profiles??"`
		Wait        bool                `arg:"wait??"`
	}
	if err := call.Unpack(&a); err != nil {
		return nil, err
	}
	if len(a.Files) == 0 {
		//lint:ignore ST1005 The words that users of Tilt know.
		return nil, errors.New("Nothing to compose")
	}
	directory, files, err := c.write(a.Files)
	if err != nil {
		return nil, err
	}
	name := a.ProjectName
	if name == "" {
		name = loader.NormalizeProjectName(filepath.Base(directory))
	}
	if name == "" {
		return nil, fmt.Errorf("no project name follows from the directory %s: give one by project_name=", directory)
	}
	p := c.project(name)
	if p == nil {
		p = &project{
			ComposeProject: model.ComposeProject{
				Name: name, Directory: directory, Profiles: a.Profiles,
			},
			wait: a.Wait, position: call.Position(), scope: c.evaluation.Scope,
		}
		c.projects = append(c.projects, p)
	}
	for _, file := range files {
		if !slices.Contains(p.Files, file) {
			p.Files = append(p.Files, file)
		}
	}
	if a.EnvFile != "" {
		p.EnvFile = c.evaluation.Absolute(string(a.EnvFile))
	}
	if err := c.load(p); err != nil {
		return nil, fmt.Errorf("load the Compose project %q: %w", name, err)
	}
	return nil, nil
}

// project returns the project of a name, nil if there is none.
func (c *Compose) project(name string) *project {
	for _, p := range c.projects {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// sources are paths of files and blobs. None is no source.
type sources []starlark.Value

// Unpack implements starlark.Unpacker.
func (s *sources) Unpack(v starlark.Value) error {
	for _, element := range builtins.ElementsOf(v) {
		if element == starlark.None {
			continue
		}
		if new(builtins.Path).Unpack(element) != nil {
			return fmt.Errorf("expected blob | path (string). Actual type: %s", element.Type())
		}
		*s = append(*s, element)
	}
	return nil
}

// write returns the absolute paths of sources, and the directory of the project: that of the first file, or else of the
// Tiltfile. It writes blobs to files.
func (c *Compose) write(all sources) (directory string, files []string, err error) {
	for _, source := range all {
		var file string
		if text, ok := source.(data.Blob); ok {
			if file, err = c.writeBlob(string(text)); err != nil {
				return "", nil, fmt.Errorf("write a blob: %w", err)
			}
		} else {
			var path builtins.Path
			if err := path.Unpack(source); err != nil {
				return "", nil, err
			}
			file = c.evaluation.Absolute(string(path))
			if directory == "" {
				directory = filepath.Dir(file)
			}
		}
		files = append(files, file)
	}
	if directory == "" {
		directory = c.evaluation.Directory()
	}
	return directory, files, nil
}

// writeBlob returns the path of the file with a text. The same text has the same file.
func (c *Compose) writeBlob(text string) (string, error) {
	if c.evaluation.PrivateDirectory == nil {
		return "", errors.New("this evaluation can't keep files")
	}
	directory, err := c.evaluation.PrivateDirectory()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	path := filepath.Join(directory, hex.EncodeToString(sum[:])+".yml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}
