// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package model has the result of evaluating a Tiltfile as plain data: resources, images, commands and settings, and
// the validation of their graph.
//
// Values are immutable once they are passed on; a change is made to a copy. The package starts no processes and reads
// no files.
package model

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TiltfileResource is the name of the Tiltfile itself among the resources of a Session.
const TiltfileResource = "(Tiltfile)"

// TriggerMode says whether a change to a resource's files runs it again.
type TriggerMode int

const (
	// TriggerAuto runs a resource when a file it depends on changes.
	TriggerAuto TriggerMode = iota
	// TriggerManual runs a changed resource only on request.
	TriggerManual
)

// RestartPolicy says whether a server that ends by itself is restarted.
type RestartPolicy int

const (
	// RestartNever doesn't restart it.
	RestartNever RestartPolicy = iota
	// RestartOnFailure restarts it with exponential backoff. Every exit of a server is a failure.
	RestartOnFailure
)

// Resource is one resource of a Tiltfile: an update, a runtime, or both.
type Resource struct {
	// Name is unique within the Tiltfile.
	Name string
	// Position is that of the call that defines the resource.
	Position Position
	// Update runs and ends, nil without one: a job of local_resource, a deploy.
	Update Update
	// Runtime goes on after the update, nil without one: a server of local_resource, a workload.
	Runtime Runtime
	// Images are the names of the images that the update uses.
	Images []string
	// LiveUpdates say how changed files get into what the runtime runs.
	LiveUpdates []LiveUpdate

	// Deps are the absolute paths of files and directories whose change runs the resource again.
	Deps []string
	// Ignores are exceptions from Deps.
	Ignores []IgnoreSet
	// ResourceDeps are the names of resources that must have been ready or succeeded once before the first run of
	// this one.
	ResourceDeps []string
	// StartedDeps are those of ResourceDeps whose update must have succeeded once, whatever their runtime does: what
	// runs has been started.
	StartedDeps []string
	// OptionalDeps are those of ResourceDeps that hold back nothing once they have failed or are disabled.
	OptionalDeps []string
	// RestartDeps are those of ResourceDeps after whose further updates this one is updated again.
	RestartDeps []string

	// BuildDeps are those of ResourceDeps, and of their own, that run on this machine, so that they may make what is in
	// the images. See AddBuildDeps.
	BuildDeps []string

	TriggerMode TriggerMode
	// AutoInit is false for a resource that doesn't start by itself.
	AutoInit bool
	// AllowParallel allows the update to run in parallel with others.
	AllowParallel bool

	// Timeout limits one execution of the update; 0 is no limit.
	Timeout time.Duration
	// Retries is how often a failing update is executed again before it counts as failed.
	Retries int
	// ReadinessTimeout limits the time until the runtime is ready; 0 is the limit of the Session.
	ReadinessTimeout time.Duration
	Restart          RestartPolicy

	Links  []Link
	Labels []string
}

// Update is what a task does when it is due: a *Command, *ImageBuild, *Deploy or *ComposeUp.
type Update interface {
	// String is the command, or what is updated, for people.
	String() string
	// Subject begins a sentence about the update, such as `Command "make"`.
	Subject() string
}

// Runtime is what goes on after the update of a task: a *Server, *Workload or *ComposeService.
type Runtime interface {
	// String is the command, or what runs, for people.
	String() string
	// Subject begins a sentence about the runtime, such as `Command "serve"`.
	Subject() string
	// Verb follows the resource in the name of the target: "serve" or "runtime".
	Verb() string
	// Ends is true for a runtime that has to succeed, and false for one that goes on.
	Ends() bool
	// Probed is true for a runtime that says when it's ready. Another one is ready from its start.
	Probed() bool
	// Outlives is true for a runtime that goes on after it was stopped here, such as a workload in a cluster.
	Outlives() bool
}

// Server is the server of a local_resource.
type Server struct {
	Command Command
	// Readiness is nil for a server that's ready as soon as it runs.
	Readiness *Probe
}

// Command is a program with its directory and environment.
type Command struct {
	// Argv is the program and its arguments, at least one.
	Argv []string
	// Dir is the absolute working directory.
	Dir string
	// Env are additional "KEY=value" entries; the last one of a key counts.
	Env []string
}

// Companion is a v1alpha1.cmd: a command that runs beside the resources once the Tiltfile is evaluated. It isn't a
// target: nothing waits for it, and its exit is only logged.
type Companion struct {
	// Name is unique among companions.
	Name    string
	Command Command
	// Source is the resource that its output is logged for, or TiltfileResource.
	Source string
	// RestartOn are the files whose change restarts the command.
	RestartOn Watch
	// Buttons are the names of the buttons that restart the command with their inputs in its environment. OnDemand is
	// true for a command that doesn't run before one of them is pressed.
	Buttons  []string
	OnDemand bool
}

// Watch is a selection of files.
type Watch struct {
	// Paths are absolute files, and directories with everything below them. They needn't exist.
	Paths []string
	// Ignores are exceptions from Paths.
	Ignores []IgnoreSet
	// Since is the time from which changes count; zero is the time at which watching begins.
	Since time.Time
	// Quick reports changes as soon as it can, and so in more batches.
	Quick bool
}

// Change is a change to a file.
type Change struct {
	// Path is absolute.
	Path string
	// Seen is when the change was noticed, Modified the modification time of the file, never after Seen.
	Seen, Modified time.Time
}

// Link is a URL that is shown for a resource.
type Link struct {
	Name string
	URL  string
}

// IgnoreSet is a list of patterns in dockerignore syntax, relative to Base.
type IgnoreSet struct {
	// Base is an absolute directory.
	Base     string
	Patterns []string
	// Source names the origin of the patterns, for messages.
	Source string
}

// Probe is a readiness check that repeats while a server runs.
type Probe struct {
	// InitialDelay is the time from the start of the process to the first check, Period the time from one check to
	// the next, Timeout the time one check may take.
	InitialDelay, Period, Timeout time.Duration
	// SuccessThreshold and FailureThreshold are the consecutive results that make the server ready and not ready, at
	// least 1.
	SuccessThreshold, FailureThreshold int

	// Exactly one of these is set.
	Exec      *ExecAction
	HTTPGet   *HTTPGetAction
	TCPSocket *TCPSocketAction
}

// ExecAction succeeds when the command exits with 0.
type ExecAction struct {
	Argv []string
}

// HTTPGetAction succeeds when a GET answers with a status from 200 to 399.
type HTTPGetAction struct {
	// Scheme is "http" or "https".
	Scheme string
	Host   string
	Port   int
	Path   string
}

// TCPSocketAction succeeds when a connection is accepted.
type TCPSocketAction struct {
	Host string
	Port int
}

func (s *Server) String() string { return s.Command.String() }

// Subject implements Runtime.
func (s *Server) Subject() string { return s.Command.Subject() }

// Verb implements Runtime.
func (s *Server) Verb() string { return "serve" }

// Ends implements Runtime.
func (s *Server) Ends() bool { return false }

// Outlives implements Runtime.
func (s *Server) Outlives() bool { return false }

// Probed implements Runtime.
func (s *Server) Probed() bool { return s.Readiness != nil }

// ShellCommand returns the command that runs script in the POSIX shell, nil for a script of white space.
func ShellCommand(script string) *Command {
	script = strings.TrimSpace(script)
	if script == "" {
		return nil
	}
	return &Command{Argv: []string{"sh", "-c", script}}
}

// String returns the command as a person would write it: the script of a one-line shell command, else the arguments,
// with those that hold spaces or line breaks quoted. It is for messages; a shell can't run it in all cases.
func (c Command) String() string {
	if len(c.Argv) == 3 && c.Argv[0] == "sh" && c.Argv[1] == "-c" && !strings.Contains(c.Argv[2], "\n") {
		return c.Argv[2]
	}
	words := make([]string, len(c.Argv))
	for i, arg := range c.Argv {
		if strings.ContainsAny(arg, " \n") {
			arg = strconv.Quote(arg)
		}
		words[i] = arg
	}
	return strings.Join(words, " ")
}

// Subject implements Update.
func (c Command) Subject() string { return fmt.Sprintf("Command %q", c.String()) }
