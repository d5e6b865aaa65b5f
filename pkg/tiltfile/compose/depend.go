// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"tilt.dev/session/pkg/model"
)

// depend sets what a resource waits for: what dc_resource() says, and the conditions of depends_on. A service that
// doesn't exist isn't required, or the library refuses it. As in Docker Compose, one with scale 0 isn't waited for.
func (s *service) depend(r *model.Resource) {
	r.ResourceDeps = slices.Clone(s.resourceDeps)
	for name, on := range s.config.DependsOn {
		dep := s.project.service(name)
		if dep == nil || dep.config.GetScale() == 0 {
			continue
		}
		if on.Restart {
			r.RestartDeps = append(r.RestartDeps, dep.name)
		}
		if slices.Contains(s.resourceDeps, dep.name) {
			continue // It waits until the other one is ready, or has ended.
		}
		r.ResourceDeps = append(r.ResourceDeps, dep.name)
		if on.Condition == types.ServiceConditionStarted {
			r.StartedDeps = append(r.StartedDeps, dep.name)
		}
		if !on.Required {
			r.OptionalDeps = append(r.OptionalDeps, dep.name)
		}
	}
	for _, names := range []*[]string{&r.ResourceDeps, &r.StartedDeps, &r.OptionalDeps, &r.RestartDeps} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
}

// service returns the service of a name, nil if there is none.
func (p *project) service(name string) *service {
	for _, s := range p.services {
		if s.config.Name == name {
			return s
		}
	}
	return nil
}

// endsByItself reports whether the service is a one-off.
func (s *service) endsByItself() bool {
	if s.oneOff != nil && *s.oneOff {
		return true
	}
	return slices.Contains(s.awaited(), types.ServiceConditionCompletedSuccessfully)
}

// awaited are the conditions under which other services depend on this one.
func (s *service) awaited() []string {
	var conditions []string
	for _, other := range s.project.services {
		if on, ok := other.config.DependsOn[s.config.Name]; ok {
			conditions = append(conditions, on.Condition)
		}
	}
	return conditions
}

// mayEnd reports whether the service looks like a one-off that isn't declared as one: it runs a command of its own,
// nothing restarts or reaches it, and all that others ask for is that it has started.
func (s *service) mayEnd() bool {
	c, awaited := &s.config, s.awaited()
	restarts := c.Restart != "" && c.Restart != types.RestartPolicyNo || c.Deploy != nil && c.Deploy.RestartPolicy != nil
	return s.oneOff == nil && len(c.Command)+len(c.Entrypoint) > 0 && !restarts && c.HealthCheck == nil &&
		len(c.Ports) == 0 && len(awaited) > 0 &&
		!slices.ContainsFunc(awaited, func(condition string) bool { return condition != types.ServiceConditionStarted })
}
