// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image builds images, tags them by content, and brings them to where they are used.
//
// # Building
//
// The user's own program builds: docker, podman or nerdctl. So its credentials, contexts, builders and plugins count.
// Docker builds by BuildKit where the CLI has buildx, or is older than version 23; otherwise by its classic builder.
// The Dockerfile is written to a temporary directory with the references of the project's images in place of their
// names, beside one ignore file that has the effect of all ignore rules together.
//
// A custom build is a command that leaves an image under the reference that it gets as EXPECTED_REF.
//
// # References
//
// An image has a tag of its content: "tilt-" and 16 hexadecimal digits of a digest over its layers and configuration.
// Times, attestations and the kind of image store don't count, so the same content has the same tag. With a registry
// the local reference is within the registry, as this machine reaches it, and the cluster's as the cluster reaches it.
//
// # Delivery
//
// An image that is deployed is pushed or loaded, unless the cluster runs containers of the engine that built it. An
// explicit default_registry() counts more than the registry that the cluster names. The decision and its reason are
// one line of the log. What was brought once isn't brought again, unless a person asks for the update.
//
// Nothing here removes images or build caches, except for the temporary tag of a build.
package image

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// Options configure a Builder.
type Options struct {
	// Program builds images: ProgramDocker, ProgramPodman or ProgramNerdctl; empty for docker.
	Program string
	// Start starts commands.
	Start func(process.Spec) (*process.Process, error)
	// Registry returns the registry that a cluster names for local development and how that is known, nil if there is
	// none and why. It is called for each image; nil knows of none.
	Registry func(context.Context, *model.Cluster) (registry *model.Registry, reason string, err error)
	// Node returns what is known about the nodes of a cluster. It is called for each image; nil knows nothing.
	Node func(context.Context, *model.Cluster) (Node, error)
}

// The programs that build images.
const (
	ProgramDocker  = "docker"
	ProgramPodman  = "podman"
	ProgramNerdctl = "nerdctl"
)

// Node is what the nodes of a cluster have in common. A field is empty if that isn't known.
type Node struct {
	// Platform is such as "linux/arm64".
	Platform string
	// Runtime is the containerRuntimeVersion, such as "containerd://2.1.0".
	Runtime string
}

// Builder builds images. It owns the builds that it started.
type Builder struct {
	options Options
	builds  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	running map[*build]bool
	// tools is what the program can do, by the directory of its configuration.
	tools map[string]tool
	// brought are the deliveries that were made.
	brought map[string]bool
	// minikube has the variables of profiles' engines.
	minikube map[string][]string
}

var _ engine.Updater = (*Builder)(nil)

// New returns a Builder that the caller closes.
func New(options Options) (*Builder, error) {
	switch options.Program {
	case "":
		options.Program = ProgramDocker
	case ProgramDocker, ProgramPodman, ProgramNerdctl:
	default:
		return nil, fmt.Errorf("program %q doesn't build images; use %s, %s or %s", options.Program,
			ProgramDocker, ProgramPodman, ProgramNerdctl)
	}
	if options.Registry == nil {
		options.Registry = func(context.Context, *model.Cluster) (*model.Registry, string, error) { return nil, "", nil }
	}
	if options.Node == nil {
		options.Node = func(context.Context, *model.Cluster) (Node, error) { return Node{}, nil }
	}
	return &Builder{
		options:  options,
		running:  map[*build]bool{},
		tools:    map[string]tool{},
		brought:  map[string]bool{},
		minikube: map[string][]string{},
	}, nil
}

// StartUpdate implements engine.Updater for a *model.ImageBuild. The output is a model.BuiltImage.
func (b *Builder) StartUpdate(request engine.UpdateRequest) (engine.Activity, error) {
	image, ok := request.Update.(*model.ImageBuild)
	if !ok {
		return nil, fmt.Errorf("%v isn't the build of an image", request.Update)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errors.New("builder of images is closed")
	}
	a := &build{
		builder: b,
		request: request,
		image:   image,
		env:     process.MergeEnv(request.Environ),
		begun:   time.Now(),
		done:    make(chan struct{}),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	b.running[a] = true
	b.builds.Add(1)
	go a.run()
	return a, nil
}

// Close ends all builds and waits for them.
func (b *Builder) Close() {
	b.mu.Lock()
	b.closed = true
	for a := range b.running {
		a.Stop(0)
	}
	b.mu.Unlock()
	b.builds.Wait()
}

// forget unregisters a build that has ended.
func (b *Builder) forget(a *build) {
	b.mu.Lock()
	delete(b.running, a)
	b.mu.Unlock()
	b.builds.Done()
}

// forgetMinikube makes the next build ask for the engine in minikube again: it may have got another address.
func (b *Builder) forgetMinikube(profile string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.minikube, profile)
}
