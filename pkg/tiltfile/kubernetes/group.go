// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"fmt"
	"slices"

	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// resource is a resource as it is being put together.
type resource struct {
	name  string
	scope *builtins.Scope
	// position is that of the last k8s_resource() about it, else of the call that registered its first object.
	position syntax.Position
	// objects are the positions of its objects in the order of their registration.
	objects []int
	// group is true for objects that only k8s_resource(new_name=, objects=) has put together.
	group bool
	// custom, deps, imageDeps and liveUpdate are those of k8s_custom_deploy().
	custom     *model.CustomDeploy
	deps       []string
	imageDeps  []string
	liveUpdate *model.LiveUpdate

	portForwards  []model.PortForward
	podSelectors  []map[string]string
	selectorsOnly bool
	readiness     model.PodReadiness
	triggerMode   builtins.TriggerMode
	autoInit      bool
	resourceDeps  []string
	links         []model.Link
	labels        []string
}

func newResource(name string, scope *builtins.Scope) *resource {
	return &resource{name: name, scope: scope, triggerMode: builtins.Unset, autoInit: true}
}

// grouping puts objects together to resources.
type grouping struct {
	*Kubernetes
	kinds    []manifest.Kind
	locators []manifest.Locator
	inEnv    []manifest.ImageMatcher
	// all are the objects, and taken those that have a resource.
	all   []model.Object
	taken []bool
	// resources are in the order of their definition.
	resources []*resource
}

func (k *Kubernetes) newGrouping() (*grouping, error) {
	g := &grouping{Kubernetes: k, kinds: manifest.DefaultKinds(), taken: make([]bool, len(k.objects))}
	g.resources = slices.Clone(k.customs)
	for _, o := range k.objects {
		g.all = append(g.all, o.Object)
	}
	for _, kind := range k.kinds {
		g.kinds = append(g.kinds, kind.compiled)
	}
	for _, l := range k.locators() {
		g.locators = append(g.locators, l.compiled)
	}
	for _, use := range k.images.Declared() {
		if use.MatchInEnvVars {
			matcher, err := manifest.NewImageMatcher(use.Image, use.MatchExact)
			if err != nil {
				return nil, err
			}
			g.inEnv = append(g.inEnv, matcher)
		}
	}
	return g, nil
}

// locators returns all places of images.
func (k *Kubernetes) locators() []locator {
	var all []locator
	for _, kind := range k.kinds {
		all = append(all, kind.locators...)
	}
	for _, paths := range k.paths {
		all = append(all, paths.locators...)
	}
	return all
}

// group puts all objects together.
func (g *grouping) group() error {
	workloads, err := g.workloads()
	if err != nil {
		return err
	}
	g.services(workloads)
	g.templates()
	for _, o := range g.options {
		if err := g.apply(o); err != nil {
			return fmt.Errorf("%s: %w", o.position, err)
		}
	}
	if err := g.uncategorized(); err != nil {
		return err
	}
	for _, r := range g.resources {
		if g.evaluation.HasResource(r.name) {
			return fmt.Errorf("resource named %q already exists: a local_resource and a Kubernetes resource have this "+
				"name. Rename one of them, a workload with k8s_resource('%s', new_name='...')", r.name, r.name)
		}
	}
	return nil
}

// workloads makes a resource of each workload, and returns the resources in the order of the workloads.
func (g *grouping) workloads() ([]*resource, error) {
	var positions []int
	var objects []model.Object
	for i, o := range g.all {
		isWorkload, err := manifest.IsWorkload(o, g.kinds, g.locators, g.inEnv)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.IDOf(o), err)
		}
		if isWorkload {
			positions, objects = append(positions, i), append(objects, o)
		}
	}
	names := manifest.ResourceNames(objects)
	if g.naming != nil {
		var err error
		if names, err = manifest.MapNames(objects, g.name); err != nil {
			return nil, err
		}
	}
	var made []*resource
	for i, position := range positions {
		r, err := g.add(names[i], g.Kubernetes.objects[position].scope)
		if err != nil {
			return nil, err
		}
		g.give(position, r)
		made = append(made, r)
	}
	return made, nil
}

func (g *grouping) name(id manifest.ID) (string, error) {
	return g.naming.name(g.evaluation.Thread, id)
}

// add adds a resource.
func (g *grouping) add(name string, scope *builtins.Scope) (*resource, error) {
	if err := model.ValidateName(name); err != nil {
		return nil, fmt.Errorf("name of a Kubernetes resource: %w", err)
	}
	if g.find(name) != nil {
		return nil, fmt.Errorf("k8s_resource named %q already exists", name)
	}
	r := newResource(name, scope)
	g.resources = append(g.resources, r)
	return r, nil
}

// find returns the resource of a name, nil if there is none.
func (g *grouping) find(name string) *resource {
	for _, r := range g.resources {
		if r.name == name {
			return r
		}
	}
	return nil
}

// give gives an object to a resource.
func (g *grouping) give(position int, to *resource) {
	g.taken[position] = true
	if !to.position.IsValid() {
		to.position = g.Kubernetes.objects[position].position
	}
	to.objects = append(to.objects, position)
	slices.Sort(to.objects)
}

// services gives Services to the workloads that they select.
func (g *grouping) services(workloads []*resource) {
	var selected []model.Object
	for _, r := range workloads {
		selected = append(selected, g.all[r.objects[0]])
	}
	for position, workload := range manifest.ServicesOf(selected, g.all) {
		if workload >= 0 && !g.taken[position] {
			g.give(position, workloads[workload])
		}
	}
}

// templates makes a resource of each object with a pod template that has no image.
func (g *grouping) templates() {
	for position, o := range g.all {
		if g.taken[position] || len(manifest.PodTemplates(o)) == 0 {
			continue
		}
		name := manifest.IDOf(o).Name
		r := g.find(name)
		if r == nil {
			var err error
			if r, err = g.add(name, g.Kubernetes.objects[position].scope); err != nil {
				continue // The name isn't one of a resource: the object stays uncategorized.
			}
		}
		g.give(position, r)
	}
}

// uncategorizedName is the name of the resource of the objects that belong to no other one.
const uncategorizedName = "uncategorized"

// uncategorized makes a resource of the objects that are left. All others depend on it.
func (g *grouping) uncategorized() error {
	if !slices.Contains(g.taken, false) {
		return nil
	}
	others := g.resources
	r, err := g.add(uncategorizedName, g.Kubernetes.objects[slices.Index(g.taken, false)].scope)
	if err != nil {
		return err
	}
	r.readiness = model.PodReadinessIgnore
	for position, taken := range g.taken {
		if !taken {
			g.give(position, r)
		}
	}
	for _, other := range others {
		other.resourceDeps = append(other.resourceDeps, r.name)
	}
	return nil
}
