// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// options are the arguments of one call of k8s_resource().
type options struct {
	Workload     string               `arg:"workload??"`
	NewName      string               `arg:"new_name??"`
	PortForwards portForwards         `arg:"port_forwards??"`
	PodSelectors podSelectors         `arg:"extra_pod_selectors??"`
	TriggerMode  builtins.TriggerMode `arg:"trigger_mode??"`
	ResourceDeps builtins.Sequence    `arg:"resource_deps??"`
	Objects      builtins.Sequence    `arg:"objects??"`
	AutoInit     builtins.Flag        `arg:"auto_init??"`
	Readiness    readiness            `arg:"pod_readiness??"`
	Links        builtins.LinkList    `arg:"links??"`
	Labels       builtins.LabelList   `arg:"labels??"`
	Discovery    discovery            `arg:"discovery_strategy??"`

	position syntax.Position
	scope    *builtins.Scope
}

// resource is k8s_resource(workload="", new_name="", ...). The arguments are applied once all Tiltfiles are executed.
func (k *Kubernetes) resource(c *builtins.Call) (starlark.Value, error) {
	o := &options{TriggerMode: builtins.Unset, position: c.Position(), scope: k.evaluation.Scope}
	if err := c.Unpack(o); err != nil {
		return nil, err
	}
	switch {
	case o.Workload == "" && o.NewName == "":
		return nil, errors.New("k8s_resource doesn't specify a workload or any objects: " +
			"give workload, the name of the resource, or new_name and objects for a group of objects")
	case o.Workload == "" && len(o.Objects) == 0:
		return nil, fmt.Errorf("k8s_resource %q specifies neither a workload nor objects", o.NewName)
	case o.NewName != "":
		if err := model.ValidateName(o.NewName); err != nil {
			return nil, fmt.Errorf("for parameter new_name: %w", err)
		}
	}
	k.cluster().Deploys()
	k.options = append(k.options, o)
	return nil, nil
}

// apply applies a call of k8s_resource().
func (g *grouping) apply(o *options) error {
	r, err := g.target(o)
	if err != nil {
		return err
	}
	r.position = o.position
	r.portForwards = append(r.portForwards, o.PortForwards...)
	r.podSelectors = append(r.podSelectors, o.PodSelectors...)
	r.resourceDeps = append(r.resourceDeps, o.ResourceDeps...)
	r.links = append(r.links, o.Links...)
	for _, label := range o.Labels {
		if !slices.Contains(r.labels, label) {
			r.labels = append(r.labels, label)
		}
	}
	if o.TriggerMode != builtins.Unset {
		r.triggerMode = o.TriggerMode
	}
	o.AutoInit.Set(&r.autoInit)
	if o.Readiness != "" {
		r.readiness = model.PodReadiness(o.Readiness)
	}
	if o.Discovery != "" {
		r.selectorsOnly = o.Discovery == discoverySelectorsOnly
	}
	for _, fragment := range o.Objects {
		position, err := manifest.Pick(fragment, g.all, func(i int) bool { return !g.taken[i] })
		if err != nil {
			return err
		}
		g.give(position, r)
	}
	return nil
}

// target returns the resource that a call of k8s_resource() is about, under its new name.
func (g *grouping) target(o *options) (*resource, error) {
	if o.Workload == "" {
		r, err := g.add(o.NewName, o.scope)
		if err == nil {
			r.group = true
		}
		return r, err
	}
	r := g.find(o.Workload)
	if r == nil {
		var known []string
		for _, r := range g.resources {
			known = append(known, r.name)
		}
		return nil, fmt.Errorf("k8s_resource specified unknown resource %q. known k8s resources: %s",
			o.Workload, strings.Join(known, ", "))
	}
	if o.NewName != "" && o.NewName != r.name {
		if g.find(o.NewName) != nil {
			return nil, fmt.Errorf("k8s_resource specified to rename %q to %q: k8s_resource named %q already exists",
				r.name, o.NewName, o.NewName)
		}
		r.name = o.NewName
	}
	return r, nil
}

// podSelectors is a dict of labels or a list of them.
type podSelectors []map[string]string

// Unpack implements starlark.Unpacker.
func (s *podSelectors) Unpack(v starlark.Value) error {
	for _, element := range builtins.ElementsOf(v) {
		var labels builtins.StringMap
		if err := labels.Unpack(element); err != nil {
			return fmt.Errorf("%w, or a list of them", err)
		}
		*s = append(*s, labels)
	}
	return nil
}

// discovery is how the pods of a resource are found, empty for the default.
type discovery string

const (
	discoveryDefault       discovery = "default"
	discoverySelectorsOnly discovery = "selectors-only"
)

// Unpack implements starlark.Unpacker.
func (d *discovery) Unpack(v starlark.Value) error {
	text, ok := starlark.AsString(v)
	switch strategy := discovery(text); strategy {
	case "", discoveryDefault, discoverySelectorsOnly:
		if ok {
			*d = strategy
			return nil
		}
	}
	//lint:ignore ST1005 The words that users of Tilt know.
	return fmt.Errorf("Invalid. Must be one of: %q, %q. Got: %s", discoveryDefault, discoverySelectorsOnly, v)
}
