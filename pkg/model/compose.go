// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"time"
)

// ComposeProject is a Compose project: what `docker compose` gets before its command. All services of the project share
// it. Paths are absolute.
type ComposeProject struct {
	// Name is the name of the project. It is always given, so that neither a `name:` in the files nor the environment
	// counts.
	Name string
	// Directory is what relative paths in the files are relative to.
	Directory string
	// Files are in the order in which they are merged, at least one. Those for blobs are in a directory that lives as
	// long as the run.
	Files []string
	// EnvFile replaces the .env of the Directory, empty for that.
	EnvFile string
	// Profiles are the active profiles.
	Profiles []string
}

// ComposeUp is the update of a service: it builds what the service builds by itself, and creates and starts its
// containers.
type ComposeUp struct {
	// Resource is the name of the resource, Service that of the service within the project.
	Resource, Service string
	Project           *ComposeProject
	// Config identifies the definition of the service and of all networks, volumes, configs and secrets that it uses.
	// It is a digest, because a definition holds secrets.
	Config string
	// Builds is true for a service that `docker compose build` builds.
	Builds bool
	// Image is the name of the image of the project that the service runs in place of its own, empty for its own.
	Image string
	// Wait has the update last until the service is ready.
	Wait bool
}

// ComposeService is the runtime of a service: its containers. A change of it leads to no update.
type ComposeService struct {
	// Resource is the name of the resource, Service that of the service within the project.
	Resource, Service string
	Project           *ComposeProject
	// Scale is the number of containers. A service with 0 starts only on request.
	Scale int
	// OneOff is true for a service that has to end with 0. Another one goes on.
	OneOff bool
	// StopGrace is how long the containers have to end, 0 for the default of Compose.
	StopGrace time.Duration
}

var (
	_ Update  = (*ComposeUp)(nil)
	_ Runtime = (*ComposeService)(nil)
)

func (u *ComposeUp) String() string { return "docker compose up " + u.Service }

// Subject implements Update.
func (u *ComposeUp) Subject() string { return fmt.Sprintf("Compose service %q", u.Service) }

// content is what an update of the service depends on. Other files or profiles of the project matter only as far as
// they change the service.
func (u *ComposeUp) content() *ComposeUp {
	content := *u
	content.Project, content.Wait = u.Project.identity(), false
	return &content
}

// Light reports whether an update does little by itself, so that it doesn't count among those that may run at once.
func Light(u Update) bool {
	up, ok := u.(*ComposeUp)
	return ok && !up.Builds
}

func (s *ComposeService) String() string { return s.Service }

// Subject implements Runtime.
func (s *ComposeService) Subject() string { return fmt.Sprintf("Compose service %q", s.Service) }

// Verb implements Runtime.
func (s *ComposeService) Verb() string { return "runtime" }

// Ends implements Runtime.
func (s *ComposeService) Ends() bool { return s.OneOff }

// Outlives implements Runtime. A service that is disabled is removed.
func (s *ComposeService) Outlives() bool { return false }

// Probed implements Runtime.
func (s *ComposeService) Probed() bool { return true }

// Arguments are those of `docker compose` that select the project, with further files. They precede the command.
func (p *ComposeProject) Arguments(further ...string) []string {
	arguments := []string{"--project-name", p.Name, "--project-directory", p.Directory}
	if p.EnvFile != "" {
		arguments = append(arguments, "--env-file", p.EnvFile)
	}
	for _, file := range slices.Concat(p.Files, further) {
		arguments = append(arguments, "-f", file)
	}
	for _, profile := range p.Profiles {
		arguments = append(arguments, "--profile", profile)
	}
	return arguments
}

// identity is what the containers of a project depend on.
func (p *ComposeProject) identity() *ComposeProject {
	return &ComposeProject{Name: p.Name, Directory: p.Directory}
}
