// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// Resources returns the resources of all services, and the scope of each, in the order of the projects and by the names
// of the services. It is called once, after images.Resolve.
func (c *Compose) Resources() ([]model.Resource, []*builtins.Scope, error) {
	if len(c.projects) > 0 && c.images.HasRegistry() {
		return nil, nil, errors.New("default_registry is not supported with docker compose")
	}
	if err := c.checkNames(); err != nil {
		return nil, nil, err
	}
	var resources []model.Resource
	var scopes []*builtins.Scope
	for _, p := range c.projects {
		for _, s := range p.services {
			r, err := c.model(s)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: Compose service %q: %w", p.position, s.config.Name, err)
			}
			resources, scopes = append(resources, r), append(scopes, p.scope)
		}
		c.hint(p)
	}
	return resources, scopes, nil
}

// checkNames returns an error for a name that another resource has too.
func (c *Compose) checkNames() error {
	seen := map[string]*service{}
	for _, p := range c.projects {
		for _, s := range p.services {
			rename := fmt.Sprintf("dc_resource('%s', project_name='%s', new_name='...')", s.name, p.Name)
			switch first := seen[s.name]; {
			case c.evaluation.HasResource(s.name):
				return fmt.Errorf("%s: dc_resource named %q already exists: a local_resource and a Compose service "+
					"have this name. Rename one of them, the service with %s", p.position, s.name, rename)
			case first != nil:
				return fmt.Errorf("%s: dc_resource named %q already exists: the projects %q and %q have a service of "+
					"this name. Rename one of them with %s", p.position, s.name, first.project.Name, p.Name, rename)
			}
			seen[s.name] = s
		}
	}
	return nil
}

// model returns the resource of a service in its final form.
func (c *Compose) model(s *service) (model.Resource, error) {
	image, err := c.images.InCompose(s.references())
	if err != nil {
		return model.Resource{}, err
	}
	if s.image != "" && image == "" {
		c.evaluation.Warn("dc_resource(%q): image= has no effect: no docker_build or custom_build makes %q", s.name, s.image)
	}
	links, err := s.allLinks()
	if err != nil {
		return model.Resource{}, err
	}
	scale := s.config.GetScale()
	up := &model.ComposeUp{
		Resource: s.name, Service: s.config.Name, Project: &s.project.ComposeProject,
		Builds: s.config.Build != nil && image == "", Image: image,
		// Docker Compose takes the end of a container that it waits for as a failure.
		Wait: s.project.wait && !s.endsByItself(),
	}
	r := model.Resource{
		Name:        s.name,
		Position:    builtins.Place(s.project.position),
		Update:      up,
		TriggerMode: s.project.scope.TriggerMode(s.triggerMode),
		AutoInit:    s.autoInit && scale > 0,
		// Only max_parallel_updates limits them.
		AllowParallel: true,
		Links:         links,
		Labels:        s.labels,
	}
	if image != "" {
		r.Images = []string{image}
		r.LiveUpdates = c.images.LiveUpdates(r.Images)
	}
	if s.config.Provider == nil { // A provider has no containers.
		r.Runtime = &model.ComposeService{
			Resource: s.name, Service: s.config.Name, Project: &s.project.ComposeProject,
			Scale: scale, OneOff: s.endsByItself(), StopGrace: duration(s.config.StopGracePeriod),
		}
	}
	s.depend(&r)
	var file string
	if up.Builds {
		if file, err = c.watch(s, &r); err != nil {
			return model.Resource{}, err
		}
	}
	up.Config, err = s.digest(up.Builds, file)
	return r, err
}

func duration(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

// hint asks about services that may be one-offs. They count as servers, and so as ready before they have ended.
func (c *Compose) hint(p *project) {
	var names []string
	for _, s := range p.services {
		if s.mayEnd() {
			names = append(names, s.config.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	c.evaluation.Info(fmt.Sprintf("Compose project %q: what depends on %s waits only for the start. If that has to end "+
		"before, write \"condition: service_completed_successfully\" in depends_on. Otherwise "+
		"\"%s: {one_off: false}\" in the service ends this message.", p.Name, strings.Join(names, ", "), extensionName))
}
