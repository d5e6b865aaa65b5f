// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"cmp"
	"fmt"
	"slices"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
	"tilt.dev/session/pkg/tiltfile/images"
)

// Resources returns the resources of everything that is deployed, and the scope of each, in the order in which they
// start: "uncategorized", those without image builds, the others, each in the order of definition. It calls functions
// of the Tiltfile. It is called once, after images.Resolve.
func (k *Kubernetes) Resources() ([]model.Resource, []*builtins.Scope, error) {
	g, err := k.newGrouping()
	if err == nil {
		err = g.group()
	}
	if err == nil && len(g.resources) > 0 {
		err = k.cluster().Check()
	}
	if err != nil {
		return nil, nil, err
	}
	all := make([]model.Resource, len(g.resources))
	order := make([]int, len(g.resources))
	for i, r := range g.resources {
		if all[i], err = g.model(r); err != nil {
			return nil, nil, err
		}
		order[i] = i
	}
	rank := func(i int) int {
		switch {
		case all[i].Name == uncategorizedName:
			return 0
		case len(all[i].Images) == 0:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	var resources []model.Resource
	var scopes []*builtins.Scope
	for _, i := range order {
		resources, scopes = append(resources, all[i]), append(scopes, g.resources[i].scope)
	}
	return resources, scopes, nil
}

// model returns a resource in its final form.
func (g *grouping) model(r *resource) (model.Resource, error) {
	cluster, err := g.cluster().Known()
	if err != nil {
		return model.Resource{}, err
	}
	uses, err := g.uses(r)
	if err != nil {
		return model.Resource{}, err
	}
	var names []string
	for _, use := range uses {
		names = append(names, use.Image)
	}
	liveUpdates := g.images.LiveUpdates(names)
	if r.liveUpdate != nil {
		liveUpdates = append(liveUpdates, *r.liveUpdate)
	}
	deps, ignores := r.deps, []model.IgnoreSet(nil)
	synced, err := g.synced(r)
	if err != nil {
		return model.Resource{}, err
	}
	for _, s := range synced {
		liveUpdates = append(liveUpdates, s.LiveUpdate)
		deps, ignores = append(deps, s.Deps...), append(ignores, s.Ignores...)
	}
	objects := g.objectsOf(r.objects)
	return model.Resource{
		Name:     r.name,
		Position: builtins.Place(r.position),
		Update: &model.Deploy{
			Resource: r.name, Cluster: cluster, Objects: objects, Custom: r.custom, Images: uses,
			Timeout: g.evaluation.UpsertTimeout, Apply: g.evaluation.Apply,
		},
		Runtime: &model.Workload{
			Resource: r.name, Cluster: cluster,
			Readiness: manifest.Readiness(r.readiness, objects, g.kinds,
				r.group && len(r.podSelectors) == 0 && len(uses) == 0),
			PodSelectors: r.podSelectors, SelectorsOnly: r.selectorsOnly, PortForwards: r.portForwards,
		},
		Images:       names,
		LiveUpdates:  liveUpdates,
		Deps:         deps,
		Ignores:      ignores,
		ResourceDeps: r.resourceDeps,
		TriggerMode:  r.scope.TriggerMode(r.triggerMode),
		AutoInit:     r.autoInit,
		// Only max_parallel_updates limits deploys.
		AllowParallel: true,
		Links:         r.links,
		Labels:        r.labels,
	}, nil
}

func (g *grouping) objectsOf(positions []int) []model.Object {
	var objects []model.Object
	for _, position := range positions {
		objects = append(objects, g.all[position])
	}
	return objects
}

// uses returns how a resource uses images of the project: those of image_deps in their order, or those that are in
// its objects, bases first.
func (g *grouping) uses(r *resource) ([]model.ImageUse, error) {
	var uses []model.ImageUse
	for _, dep := range r.imageDeps {
		name, ok := g.images.Find(dep)
		if !ok {
			return nil, fmt.Errorf("resource %q: image build %q not found", r.name, dep)
		}
		use, err := g.images.Uses(r.name, []string{name})
		if err != nil {
			return nil, err
		}
		uses = append(uses, use...)
	}
	if r.name == uncategorizedName {
		return nil, nil // It starts before everything else, and waits for no image.
	}
	references, err := g.references(r)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, reference := range references {
		if name, ok := g.images.Match(reference); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	found, err := g.images.Uses(r.name, names)
	if err != nil {
		return nil, err
	}
	for _, use := range found {
		use.Locators = g.locatorsOf(r)
		uses = append(uses, use)
	}
	return uses, nil
}

// references returns those of images that the objects of a resource have.
func (g *grouping) references(r *resource) ([]string, error) {
	var all []string
	for _, o := range g.objectsOf(r.objects) {
		references, err := manifest.Images(o, g.locators, g.inEnv)
		if err != nil {
			return nil, fmt.Errorf("resource %q: %s: %w", r.name, manifest.IDOf(o), err)
		}
		all = append(all, references...)
	}
	return all, nil
}

// synced returns how files get into the containers of a resource whose images the project doesn't build.
func (g *grouping) synced(r *resource) ([]images.Synced, error) {
	references, err := g.references(r)
	if err != nil {
		return nil, err
	}
	var all []images.Synced
	for _, reference := range references {
		s, err := g.images.Synced(r.name, reference)
		if err != nil {
			return nil, err
		}
		same := func(other images.Synced) bool { return other.Repository == s.Repository }
		if s != nil && !slices.ContainsFunc(all, same) {
			all = append(all, *s)
		}
	}
	return all, nil
}

// locatorsOf returns the places of images that the objects of a resource have.
func (g *grouping) locatorsOf(r *resource) []model.ImageLocator {
	var places []model.ImageLocator
	for _, l := range g.Kubernetes.locators() {
		if slices.ContainsFunc(g.objectsOf(r.objects), l.compiled.Matches) {
			places = append(places, l.ImageLocator)
		}
	}
	return places
}
