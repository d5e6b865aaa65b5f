// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// parameters are those of dc_resource().
type parameters struct {
	Name         string             `arg:"name"`
	Image        starlark.Value     `arg:"image??"`
	TriggerMode  triggerMode        `arg:"trigger_mode??"`
	ResourceDeps starlark.Value     `arg:"resource_deps??"`
	InferLinks   builtins.Flag      `arg:"infer_links??"`
	Links        builtins.LinkList  `arg:"links??"`
	Labels       builtins.LabelList `arg:"labels??"`
	AutoInit     builtins.Flag      `arg:"auto_init??"`
	ProjectName  string             `arg:"project_name??"`
	NewName      string             `arg:"new_name??"`
}

// triggerMode is a trigger mode that knows whether it was left out.
type triggerMode struct{ given *builtins.TriggerMode }

// Unpack implements starlark.Unpacker.
func (m *triggerMode) Unpack(v starlark.Value) error {
	m.given = new(builtins.TriggerMode)
	return m.given.Unpack(v)
}

// resource is dc_resource(name, ...). Calls for the same resource add up.
func (c *Compose) resource(a parameters) (starlark.Value, error) {
	if a.Name == "" {
		return nil, errors.New("dc_resource: `name` must not be empty")
	}
	s, err := c.find(a.Name, a.ProjectName)
	if err != nil {
		return nil, err
	}
	var deps builtins.Sequence
	if a.ResourceDeps != nil {
		if err := deps.Unpack(a.ResourceDeps); err != nil {
			return nil, fmt.Errorf("dc_resource: resource_deps: %w", err)
		}
	}
	if err := s.setImage(a.Image); err != nil {
		return nil, err
	}
	if err := c.rename(s, a.NewName); err != nil {
		return nil, err
	}
	s.resourceDeps = append(s.resourceDeps, deps...)
	s.links = append(s.links, a.Links...)
	for _, label := range a.Labels {
		if !slices.Contains(s.labels, label) {
			s.labels = append(s.labels, label)
		}
	}
	if a.TriggerMode.given != nil {
		s.triggerMode = *a.TriggerMode.given
	}
	a.InferLinks.Set(&s.inferLinks)
	a.AutoInit.Set(&s.autoInit)
	return nil, nil
}

// find returns the service whose resource has a name. The project is any if its name is empty.
func (c *Compose) find(name, project string) (found *service, err error) {
	var known []string
	for _, p := range c.projects {
		if project != "" && p.Name != project {
			continue
		}
		for _, s := range p.services {
			known = append(known, s.name)
			if s.name != name {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("found multiple resources named %q, "+
					"please specify which one with project_name= argument", name)
			}
			found = s
		}
	}
	switch {
	case found != nil:
		return found, nil
	case len(c.projects) == 0:
		return nil, fmt.Errorf("no Docker Compose service found with name %q: docker_compose() has to come first", name)
	case project != "" && c.project(project) == nil:
		return nil, fmt.Errorf("no Docker Compose service found with name %q: there is no project named %q", name, project)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("no Docker Compose service found with name %q. Found these instead:\n\t%s",
		name, strings.Join(known, "; "))
}

// setImage sets the reference of the image build. It may be left out.
func (s *service) setImage(v starlark.Value) error {
	if v == nil {
		return nil
	}
	ref, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("image arg must be a string; got %s", v.Type())
	}
	if ref == "" {
		return nil
	}
	if err := checkImage(ref); err != nil {
		return err
	}
	s.image = ref
	return nil
}

// rename gives the resource of a service another name, unless that is empty.
func (c *Compose) rename(s *service, name string) error {
	if name == "" || name == s.name {
		return nil
	}
	if err := model.ValidateName(name); err != nil {
		return fmt.Errorf("for parameter new_name: %w", err)
	}
	if c.evaluation.HasResource(name) {
		return fmt.Errorf("local_resource named %q already exists", name)
	}
	for _, p := range c.projects {
		if slices.ContainsFunc(p.services, func(s *service) bool { return s.name == name }) {
			return fmt.Errorf("dc_resource named %q already exists", name)
		}
	}
	s.name = name
	return nil
}
