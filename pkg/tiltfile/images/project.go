// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"slices"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// Declared returns how Kubernetes objects refer to each image, in the order of the declarations. An object whose
// environment has a reference uses its image only if MatchInEnvVars is set.
func (i *Images) Declared() []model.ImageUse {
	var all []model.ImageUse
	for _, b := range i.builds {
		if !b.syncsOnly() {
			all = append(all, i.use(b))
		}
	}
	return all
}

// Uses returns how a Kubernetes resource uses images, bases first. The error is for builds whose live_update doesn't
// work in Kubernetes.
func (i *Images) Uses(resource string, names []string) ([]model.ImageUse, error) {
	var uses []model.ImageUse
	for _, b := range i.ordered(names) {
		if !slices.Contains(names, b.name.String()) {
			continue
		}
		if b.liveUpdate != nil && b.liveUpdate.Restart {
			return nil, restartError(resource)
		}
		uses = append(uses, i.use(b))
	}
	return uses, nil
}

func (i *Images) use(b *build) model.ImageUse {
	use := b.use
	use.Image, use.MatchExact = b.name.String(), i.matchesExactly(b)
	return use
}

// LiveUpdates returns how changed files of the images with the names, and of their bases, get into the containers that
// run them. An image without steps of its own has those of its first base that has some.
func (i *Images) LiveUpdates(names []string) []model.LiveUpdate {
	var all []model.LiveUpdate
	for _, name := range names {
		ordered := i.ordered([]string{name}) // The image itself is the last one.
		var steps *model.LiveSteps
		u := model.LiveUpdate{Image: name}
		for _, b := range slices.Backward(ordered) {
			if steps == nil {
				steps = b.liveUpdate
			}
			u.Sources = append(u.Sources, b.name.String())
			u.Ignores = append(u.Ignores, b.ignores...)
		}
		if steps != nil {
			u.LiveSteps = *steps
			all = append(all, u)
		}
	}
	return all
}

// Used says what uses the images of a project.
type Used struct {
	// Deployed and Composed are the names of the images that Kubernetes resources and Compose services use.
	Deployed, Composed []string
	// Cluster is the cluster of Kubernetes resources, nil without them.
	Cluster *model.Cluster
	// Configs names the files that may use images, for messages.
	Configs string
}

// Project returns the images that are built: those that are used, and their bases. Bases come first. It warns of the
// builds that nothing uses.
func (i *Images) Project(used Used) []model.Image {
	names := slices.Concat(used.Deployed, used.Composed)
	i.warnUnused(names, used.Configs)
	deployed := i.ordered(used.Deployed)
	var images []model.Image
	for _, b := range i.ordered(names) {
		if b.syncsOnly() {
			continue
		}
		var cluster *model.Cluster
		if slices.Contains(deployed, b) {
			cluster = used.Cluster
		}
		images = append(images, i.image(b, slices.Contains(names, b.name.String()), cluster))
	}
	return images
}

func (i *Images) image(b *build, deployed bool, cluster *model.Cluster) model.Image {
	var bases []string
	for _, base := range b.bases {
		bases = append(bases, base.name.String())
	}
	return model.Image{
		Name:     b.name.String(),
		Position: builtins.Place(b.position),
		Build: &model.ImageBuild{
			Image: b.name.String(), Docker: b.docker, Custom: b.custom, Bases: bases, Deployed: deployed,
			Registry: i.registry, Cluster: cluster,
		},
		Bases:   bases,
		Deps:    b.deps,
		Ignores: b.ignores,
	}
}

// ordered returns the builds with the names and their bases, in the order of their declaration, but bases first.
func (i *Images) ordered(names []string) []*build {
	var all []*build
	added := map[*build]bool{}
	var add func(*build)
	add = func(b *build) {
		if added[b] {
			return
		}
		added[b] = true
		for _, base := range b.bases {
			add(base)
		}
		all = append(all, b)
	}
	for _, b := range i.builds {
		if slices.Contains(names, b.name.String()) {
			add(b)
		}
	}
	return all
}
