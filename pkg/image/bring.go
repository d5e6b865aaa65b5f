// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"strings"
)

// bring brings an image to its target.
func (a *build) bring(t target, made product) error {
	switch t.how {
	case deliverNone, deliverCommand, deliverShared:
		a.say("Skipping push: %s", t.why)
		return nil
	}
	key := fmt.Sprintf("%d %s %s %s", t.how, t.name, made.ref, made.content)
	a.builder.mu.Lock()
	there := a.builder.brought[key] && !a.request.Requested && made.content != ""
	a.builder.mu.Unlock()
	if there {
		a.say("Skipping push: %s is where it was brought before", made.ref)
		return nil
	}
	err := a.carry(t, made.ref)
	if err == nil {
		a.builder.mu.Lock()
		a.builder.brought[key] = true
		a.builder.mu.Unlock()
	}
	return err
}

// loaders are the programs that bring an image into a cluster.
var loaders = map[delivery]string{
	deliverKind: "kind", deliverK3d: "k3d", deliverMinikube: "minikube", deliverK3s: "k3s",
}

// carry pushes or loads an image.
func (a *build) carry(t target, ref string) error {
	program := a.builder.options.Program
	if t.how == deliverPush {
		a.say("Pushing %s: %s", ref, t.why)
		return a.push(t, ref)
	}
	a.say("Loading %s to %s: %s", ref, strings.TrimSpace(loaders[t.how]+" "+t.name), t.why)
	what := ref
	if program != ProgramDocker || t.how == deliverK3s {
		// These programs take images from docker only.
		file, err := a.temporary("image.tar")
		if err != nil {
			return err
		}
		if _, err := a.query(program, "save", "-o", file, ref); err != nil {
			return err
		}
		what = file
	}
	var argv []string
	switch t.how {
	case deliverKind:
		kind := "docker-image"
		if what != ref {
			kind = "image-archive"
			if lookup(a.env, "KIND_EXPERIMENTAL_PROVIDER") == "" {
				a.env = append(a.env, "KIND_EXPERIMENTAL_PROVIDER="+program)
			}
		}
		argv = []string{"kind", "load", kind, what, "--name", t.name}
	case deliverK3d:
		argv = []string{"k3d", "image", "import", what, "--cluster", t.name}
	case deliverMinikube:
		argv = []string{"minikube", "-p", t.name, "image", "load", what}
	default:
		argv = []string{"k3s", "ctr", "images", "import", what}
	}
	return a.transfer(nil, argv...)
}

// push pushes an image.
func (a *build) push(t target, ref string) error {
	argv := []string{a.builder.options.Program, "push"}
	if host, _, _ := strings.Cut(ref, "/"); argv[0] == ProgramPodman &&
		(strings.HasPrefix(host, "localhost:") || strings.HasPrefix(host, "127.0.0.1:")) {
		argv = append(argv, "--tls-verify=false")
	}
	err := a.transfer(worthShowing, append(argv, ref)...)
	var failed *commandError
	if errors.As(err, &failed) && t.registry == nil {
		failed.text += "; set default_registry() to a registry that the cluster can pull from"
	}
	return err
}

// worthShowing reports whether a line of docker's push or pull says more than that a layer waits.
func worthShowing(line string) bool {
	for _, noise := range []string{"Preparing", "Waiting", "Pulling fs layer", "Verifying Checksum", "Download complete"} {
		if strings.HasSuffix(line, ": "+noise) {
			return false
		}
	}
	return strings.TrimSpace(line) != ""
}
