// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package model holds what a Tiltfile asks for as plain data: resources, commands, probes and settings, and the rules
// that their graph must keep.
//
// Values are not changed after they were handed over; whoever wants another one makes a copy. The package starts
// nothing and reads no files.
package model

import "time"

// TiltfileResource is the name under which the Tiltfile itself is listed among the resources of a Session.
const TiltfileResource = "(Tiltfile)"

// TriggerMode says whether a change to a resource's files runs it again.
type TriggerMode int

const (
	// TriggerAuto runs a resource when a file it depends on changes.
	TriggerAuto TriggerMode = iota
	// TriggerManual runs a changed resource only when somebody asks for it.
	TriggerManual
)

// RestartPolicy says what becomes of a server that ends by itself.
type RestartPolicy int

const (
	// RestartNever leaves it ended.
	RestartNever RestartPolicy = iota
	// RestartOnFailure launches it again after a while that doubles each time. Every end of a server is a failure.
	RestartOnFailure
)

// Resource is one local_resource of a Tiltfile: a job, a server, or both.
type Resource struct {
	// Name is unique within the Tiltfile.
	Name string
	// Update is the job, nil without cmd.
	Update *Command
	// Serve is the server, nil without serve_cmd.
	Serve *Command
	// Readiness decides when Serve is ready, nil: as soon as it runs.
	Readiness *Probe

	// Deps are the absolute paths of files and directories whose change runs the resource again.
	Deps []string
	// Ignores are exceptions from Deps.
	Ignores []IgnoreSet
	// ResourceDeps are the names of resources that must have been ready or succeeded once before the first run of
	// this one.
	ResourceDeps []string

	TriggerMode TriggerMode
	// AutoInit is false for a resource that isn't run when it's first seen.
	AutoInit bool
	// AllowParallel is true when the job may run beside other jobs.
	AllowParallel bool

	// Timeout ends an execution of the job that takes longer, 0: none does.
	Timeout time.Duration
	// Retries is how often a job that fails is executed again before it has failed.
	Retries int
	// ReadinessTimeout is how long the server may take to be ready, 0: as long as the Session allows.
	ReadinessTimeout time.Duration
	// Restart says whether a server that ends is launched again.
	Restart RestartPolicy

	Links  []Link
	Labels []string
}

// Command is a program with its surroundings.
type Command struct {
	// Argv is the program and its arguments, at least one.
	Argv []string
	// Dir is the absolute working directory.
	Dir string
	// Env are additional "KEY=value" entries, the last one of a key wins.
	Env []string
}

// Companion is a command that runs beside the resources from the evaluation of the Tiltfile on: a v1alpha1.cmd. It's
// no target, so that nothing waits for it and its end, good or bad, is only logged.
type Companion struct {
	// Name is unique among companions.
	Name    string
	Command Command
	// Source is under which name its output is logged: that of a resource, or TiltfileResource.
	Source string
	// RestartOn are files whose change ends the command and starts it again. Without paths nothing does.
	RestartOn Watch
	// OnDemand is true when only a button, which nobody has, would start it.
	OnDemand bool
}

// Watch is a selection of files.
type Watch struct {
	// Paths are absolute files and directories, these with all that's below. They needn't exist.
	Paths []string
	// Ignores are exceptions from Paths.
	Ignores []IgnoreSet
	// Since is from when on changes matter, zero: from when the files begin to be watched.
	Since time.Time
}

// Change is a change to a file.
type Change struct {
	// Path is absolute.
	Path string
	// Seen is when it was noticed, Modified when it was made as far as the file tells, never after Seen.
	Seen, Modified time.Time
}

// Link is a URL that's shown for a resource.
type Link struct {
	Name string
	URL  string
}

// IgnoreSet is a list of patterns in dockerignore syntax, relative to Base.
type IgnoreSet struct {
	// Base is an absolute directory.
	Base     string
	Patterns []string
	// Source says where the patterns come from, for messages.
	Source string
}

// Probe is a readiness check that's repeated while a server runs.
type Probe struct {
	// InitialDelay is the time from the start of the process to the first check, Period the time from one check to
	// the next, Timeout the time one check may take.
	InitialDelay, Period, Timeout time.Duration
	// SuccessThreshold and FailureThreshold are how many results in a row turn the server ready and not ready, at
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
