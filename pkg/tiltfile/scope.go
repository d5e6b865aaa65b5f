// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"go.starlark.net/syntax"

	"tilt.dev/session/pkg/model"
)

// scope is what each Tiltfile that's executed by itself has for itself: the
// main one, and those of extensions. The files that it loads are in its scope.
type scope struct {
	args   []string
	config config
	// triggerMode is that of resources that don't say, and triggerModeAt is
	// where it was set.
	triggerMode   optionalTriggerMode
	triggerModeAt syntax.Position
}

// enterScope begins a scope. The function returned ends it.
func (e *evaluation) enterScope(args []string) (leave func()) {
	outer := e.scope
	e.scope = &scope{args: args}
	e.scopes = append(e.scopes, e.scope)
	return func() { e.scope = outer }
}

// enabled returns which resources start enabled: those that the Tiltfiles that
// define them want, and all that these depend on.
func (e *evaluation) enabled(resources []model.Resource) (model.Selection, error) {
	everything := true
	var names []string
	for _, s := range e.scopes {
		own := e.resourcesOf(s, resources)
		selection, err := s.wanted(own)
		if err != nil {
			return model.Selection{}, err
		}
		everything = everything && selection.All
		for _, r := range own {
			if selection.Contains(r.Name) {
				names = append(names, r.Name)
			}
		}
	}
	switch {
	case everything:
		return model.Selection{All: true}, nil
	case len(names) == 0:
		return model.Selection{}, nil
	}
	return model.SelectResources(resources, names)
}

// resourcesOf returns the resources that were defined in a scope, of all in the
// order of their definition.
func (e *evaluation) resourcesOf(s *scope, all []model.Resource) []model.Resource {
	var own []model.Resource
	for i, d := range e.resources {
		if d.scope == s {
			own = append(own, all[i])
		}
	}
	return own
}

// wanted returns which of the resources of a scope start enabled. The
// arguments name them unless the Tiltfile does, or uses the arguments as it
// likes.
func (s *scope) wanted(resources []model.Resource) (model.Selection, error) {
	switch {
	case s.config.choose != nil:
		return s.config.choose(resources)
	case s.config.parsedIn != "":
		return model.Selection{All: true}, nil
	}
	return model.SelectResources(resources, s.args)
}
