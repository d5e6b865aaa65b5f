// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// delivery is how an image gets to where it is used.
type delivery int

const (
	// deliverNone leaves it in the local engine.
	deliverNone delivery = iota
	// deliverCommand is custom_build()'s own way.
	deliverCommand
	// deliverShared needs nothing: the cluster's containers are the engine's.
	deliverShared
	deliverPush
	deliverKind
	deliverK3d
	deliverMinikube
	deliverK3s
)

// target is where an image goes to, and why.
type target struct {
	how delivery
	// name is the cluster as its program calls it.
	name string
	// registry is the one whose references the image gets, nil for none.
	registry *model.Registry
	why      string
}

// place is what a target depends on.
type place struct {
	image *model.ImageBuild
	// discovered is the cluster's registry, and reason how that's known.
	discovered *model.Registry
	reason     string
	program    string
	// engine is the path of the engine's socket, or its URL if it isn't local.
	engine  string
	runtime string
	// inMinikube is true if the engine is that of minikube.
	inMinikube bool
	// k3s is true if this machine is a node of k3s.
	k3s bool
}

// target decides where the image goes to.
func (p place) target() target {
	cluster := p.image.Cluster
	t := target{}
	switch {
	case !p.image.Deployed:
		t.why = "only other images use it"
		return t
	case cluster == nil:
		t.why = "no cluster uses it"
		return t
	}
	if p.discovered != nil && p.discovered.Host != "" {
		t.registry, t.why = p.discovered, p.reason
	}
	if own := p.image.Registry; own != nil && own.Host != "" {
		t.registry, t.why = own, "default_registry()"
	}
	custom := p.image.Custom
	name := cluster.Name
	switch product := cluster.Product; {
	case custom != nil && (custom.SkipsLocalDocker || custom.DisablePush && !p.shared()):
		t.how, t.why = deliverCommand, "custom_build() configured to handle push itself"
	case p.shared():
		t.how, t.why = deliverShared, "building on cluster's container runtime"
	case t.registry != nil:
		t.how = deliverPush
	case product == model.ProductKind:
		t.how, t.name = deliverKind, strings.TrimPrefix(name, "kind-")
	case product == model.ProductK3D:
		t.how, t.name = deliverK3d, strings.TrimPrefix(name, "k3d-")
	case product == model.ProductMinikube:
		t.how, t.name = deliverMinikube, name
	case p.k3s && strings.Contains(p.runtime, "-k3s"):
		t.how, t.why = deliverK3s, "this machine is a node of k3s, and no registry is known"
	default:
		t.how, t.why = deliverPush, "no registry is known"
	}
	if t.why == "" {
		t.why = "the cluster has no registry"
		if p.reason != "" {
			t.why += ": " + p.reason
		}
	}
	return t
}

// shared reports whether the cluster runs the engine's images.
func (p place) shared() bool {
	product := p.image.Cluster.Product
	if p.program == ProgramNerdctl {
		return strings.HasPrefix(p.runtime, "containerd://") &&
			(product == model.ProductRancherDesktop || product == model.ProductColima)
	}
	if p.program != ProgramDocker {
		return false
	}
	docker := p.runtime == "" || strings.HasPrefix(p.runtime, "docker://")
	at := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(p.engine, part) {
				return true
			}
		}
		return false
	}
	switch product {
	case model.ProductMinikube:
		return p.inMinikube
	case model.ProductDockerDesktop:
		// Its cluster may run containerd; then it sees images of Docker's containerd image store.
		return at("/.docker/") || p.engine == defaultSocket
	case model.ProductRancherDesktop:
		return docker && (at("/.rd/") || p.engine == defaultSocket)
	case model.ProductOrbStack:
		return docker && (at("/.orbstack/") || p.engine == defaultSocket)
	case model.ProductColima:
		profile := strings.TrimPrefix(strings.TrimPrefix(p.image.Cluster.Context, "colima"), "-")
		if profile == "" {
			profile = "default"
		}
		return docker && at("/.colima/"+profile+"/", "/colima/"+profile+"/", "/.colima/docker.sock")
	}
	return false
}

const defaultSocket = "/var/run/docker.sock"

// target finds out what the decision depends on, and sets the environment for the engine that builds.
func (a *build) target() (target, error) {
	cluster := a.image.Cluster
	if cluster == nil {
		return place{image: a.image}.target(), nil
	}
	var err error
	if a.node, err = a.builder.options.Node(a.ctx, cluster); err != nil {
		return target{}, fmt.Errorf("get the nodes of cluster %q: %w", cluster.Name, err)
	}
	p := place{image: a.image, program: a.builder.options.Program, runtime: a.node.Runtime}
	if p.inMinikube, err = a.useMinikube(); err != nil {
		return target{}, err
	}
	if p.program == ProgramNerdctl && p.shared() && lookup(a.env, "CONTAINERD_NAMESPACE") == "" {
		a.env = append(a.env, "CONTAINERD_NAMESPACE=k8s.io") // The namespace of Kubernetes' images.
	}
	if !a.image.Deployed {
		return p.target(), nil
	}
	if a.image.Registry == nil {
		if p.discovered, p.reason, err = a.builder.options.Registry(a.ctx, cluster); err != nil {
			return target{}, fmt.Errorf("find the registry of cluster %q: %w", cluster.Name, err)
		}
	}
	switch cluster.Product {
	case model.ProductDockerDesktop, model.ProductRancherDesktop, model.ProductOrbStack, model.ProductColima:
		if p.program == ProgramDocker {
			if p.engine, err = a.engine(); err != nil {
				return target{}, err
			}
		}
	case model.ProductUnknown:
		_, statErr := os.Stat("/run/k3s/containerd/containerd.sock")
		p.k3s = statErr == nil
	}
	t := p.target()
	if t.how == deliverShared && cluster.Product == model.ProductDockerDesktop &&
		strings.HasPrefix(p.runtime, "containerd://") {
		return t, a.checkStore()
	}
	return t, nil
}

// engine returns the address of docker's engine.
func (a *build) engine() (string, error) {
	out, err := a.query("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
	if err != nil {
		return "", err
	}
	address := strings.TrimSpace(out)
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "unix" {
		return address, nil //nolint:nilerr // An address that isn't a URL isn't local.
	}
	if resolved, err := filepath.EvalSymlinks(at.Path); err == nil && filepath.Base(at.Path) == "docker.sock" {
		return resolved, nil
	}
	return at.Path, nil
}

// checkStore fails if Docker keeps images where a cluster with containerd doesn't find them.
func (a *build) checkStore() error {
	out, err := a.query("docker", "info", "--format", "{{json .DriverStatus}}")
	if err != nil || strings.Contains(out, "io.containerd.snapshotter") {
		return err
	}
	return errors.New("the cluster of Docker Desktop doesn't see images of this image store: turn on " +
		"\"Use containerd for pulling and storing images\" in the settings of Docker Desktop")
}

// useMinikube makes commands use the engine in minikube, unless the environment names another one.
func (a *build) useMinikube() (bool, error) {
	cluster := a.image.Cluster
	if cluster.Product != model.ProductMinikube || a.builder.options.Program != ProgramDocker ||
		a.node.Runtime != "" && !strings.HasPrefix(a.node.Runtime, "docker://") {
		return false, nil
	}
	if lookup(a.env, "DOCKER_HOST") != "" {
		return lookup(a.env, "MINIKUBE_ACTIVE_DOCKERD") == cluster.Name, nil
	}
	a.builder.mu.Lock()
	env, ok := a.builder.minikube[cluster.Name]
	a.builder.mu.Unlock()
	if !ok {
		out, err := a.query("minikube", "-p", cluster.Name, "docker-env", "--shell", "sh")
		if err != nil {
			return false, err
		}
		env = exports(out)
		a.builder.mu.Lock()
		a.builder.minikube[cluster.Name] = env
		a.builder.mu.Unlock()
	}
	a.switched = env
	a.env = process.MergeEnv(a.env, env)
	return true, nil
}

// exports are the variables that a script of a shell exports.
func exports(script string) []string {
	var env []string
	for line := range strings.Lines(script) {
		if entry, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
			if key, value, ok := strings.Cut(entry, "="); ok {
				env = append(env, key+"="+strings.Trim(value, `"'`))
			}
		}
	}
	return env
}
