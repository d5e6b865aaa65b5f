// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// LiveUpdate says how changed files get into the running containers of a resource. Exactly one of Image, Repository
// and Container says which containers that are.
type LiveUpdate struct {
	LiveSteps
	// Image is the name of the image of the project that the containers run.
	Image string
	// Repository is the repository of the containers' image, in its normalized form.
	Repository string
	// Container is the name of the containers.
	Container string
	// Sources are the names of the images of the project whose files may change: the image of the containers and its
	// bases. Without any, the files are the Deps of the resource itself.
	Sources []string
	// Ignores are exceptions from the files of an InitialSync.
	Ignores []IgnoreSet
}

// LiveSteps are the steps of a live update. Local paths are absolute.
type LiveSteps struct {
	// StopPaths are the files whose change means a whole build: fall_back_on().
	StopPaths []string
	Syncs     []Sync
	Runs      []LiveRun
	// Restart restarts the container after the steps.
	Restart bool
	// InitialSync brings all files into a container as it starts.
	InitialSync bool
}

// Sync brings files from Local to the absolute path Remote in the container.
type Sync struct{ Local, Remote string }

// LiveRun runs a command in the container.
type LiveRun struct {
	Argv []string
	// Triggers are the paths whose change runs it; none: each change does.
	Triggers []string
	EchoOff  bool
}

// Refusal says why the steps can't bring a change of files into a container, empty if they can.
func (s *LiveSteps) Refusal(files []string) string {
	for _, file := range files {
		if slices.ContainsFunc(s.StopPaths, func(stop string) bool { return contains(stop, file) }) {
			return fmt.Sprintf("Detected change to stop file %q", file)
		}
	}
	var strays []string
	for _, file := range files {
		if !slices.ContainsFunc(s.Syncs, func(s Sync) bool { return contains(s.Local, file) }) {
			strays = append(strays, file)
		}
	}
	if len(strays) > 0 {
		return fmt.Sprintf("Found file(s) not matching any sync (files: %s)", strings.Join(strays, ", "))
	}
	return ""
}

// Remote is the path in the container of a local file: that of the first sync that has it. ok is false without one.
func (s *LiveSteps) Remote(file string, directory bool) (remote string, ok bool) {
	for _, sync := range s.Syncs {
		below, err := filepath.Rel(sync.Local, file)
		if err != nil || !filepath.IsLocal(below) {
			continue
		}
		if below == "." && !directory && strings.HasSuffix(sync.Remote, "/") {
			below = filepath.Base(file)
		}
		return path.Join(sync.Remote, filepath.ToSlash(below)), true
	}
	return "", false
}

// Due reports whether a change of files runs the command.
func (r *LiveRun) Due(files []string) bool {
	return len(r.Triggers) == 0 || slices.ContainsFunc(r.Triggers, func(trigger string) bool {
		return slices.ContainsFunc(files, func(file string) bool { return contains(trigger, file) })
	})
}

// contains reports whether a path is another one or below it.
func contains(directory, file string) bool {
	below, err := filepath.Rel(directory, file)
	return err == nil && filepath.IsLocal(below)
}
