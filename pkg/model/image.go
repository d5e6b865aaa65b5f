// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"time"
)

// ImagePrefix begins the names of images among tasks, logs and targets.
const ImagePrefix = "image:"

// Image is an image that the Tiltfile builds. It is a task of its own, shared by all resources that use it.
type Image struct {
	// Name is the reference in the Tiltfile in its familiar form, such as "web" or "ghcr.io/me/web:dev". It is unique
	// among the images of a project.
	Name string
	// Position is that of the call that defines the image.
	Position Position
	// Build says how it is built.
	Build *ImageBuild
	// Bases are the names of the images of the project that the build uses. They form no cycle.
	Bases []string
	// Deps are the absolute paths of files and directories whose change builds the image again, Ignores exceptions.
	Deps    []string
	Ignores []IgnoreSet
}

// ImageBuild is the update of an image. Exactly one of Docker and Custom is set.
type ImageBuild struct {
	// Image is the name of the image.
	Image  string
	Docker *DockerBuild
	Custom *CustomBuild
	// Bases are the names of the images of the project that the build uses.
	Bases []string
	// Deployed is false for an image that only other images use: it isn't brought to a cluster.
	Deployed bool
	// Registry is that of default_registry(), nil without one.
	Registry *Registry
	// Cluster is where the image is used, or the images that are built on it. It is nil if no Kubernetes object uses
	// them.
	Cluster *Cluster
}

// DockerBuild is docker_build(). Paths are absolute.
type DockerBuild struct {
	// Context is the directory that is sent to the builder, empty for none.
	Context string
	// Dockerfile is the file, and Contents its content as the Tiltfile read it. Dockerfile is empty for
	// dockerfile_contents.
	Dockerfile, Contents string
	// BuildArgs are "KEY=value" entries, or "KEY" for a value of the environment, sorted by key.
	BuildArgs []string
	// Ignores leave out files of the Context: what docker_build(ignore=, only=) says, .git and the Tiltfiles. Each Base
	// is the Context. The ignore files of the context are read when it is built.
	Ignores []IgnoreSet
	Target  string
	SSH     []string
	// Secrets are csv entries of --secret.
	Secrets   []string
	Network   string
	ExtraTags []string
	CacheFrom []string
	// ExtraHosts are "host:ip" entries.
	ExtraHosts []string
	Pull       bool
	// Platform is that of the cluster when it is empty.
	Platform string
}

// CustomBuild is custom_build(). Paths are absolute.
type CustomBuild struct {
	Command Command
	// Tag is the tag that the command always makes, empty for the one in EXPECTED_REF.
	Tag string
	// SkipsLocalDocker is true for an image that never gets to the local engine.
	SkipsLocalDocker bool
	DisablePush      bool
	// OutputsRefTo is the file in which the command leaves the reference, empty without one.
	OutputsRefTo string
}

// Registry is where images are pushed to.
type Registry struct {
	// Host is the registry, as this machine reaches it, perhaps with a path.
	Host string
	// HostFromCluster is the registry as the cluster reaches it, empty for Host.
	HostFromCluster string
	// SingleName is the only repository to push to, empty for one for each image.
	SingleName string
}

// BuiltImage is the output of an image's update: what the tasks that use the image get.
type BuiltImage struct {
	// Ref is the reference for the builder: in the local engine or, without one, in the registry. ClusterRef is the
	// reference for the cluster. Both have a tag.
	Ref, ClusterRef string
	// BuildStart is when the build began: changes of files since then aren't in the image.
	BuildStart time.Time
}

func (b *ImageBuild) String() string { return b.Image }

// Subject implements Update.
func (b *ImageBuild) Subject() string { return fmt.Sprintf("Build of image %q", b.Image) }
