// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/model"
)

// use is a compiled model.ImageUse.
type use struct {
	model.ImageUse
	matcher  ImageMatcher
	locators []Locator
	// reference replaces those that match.
	reference string
	found     bool
}

// Inject returns copies of objects in which the images that were built replace the references that mean them, and
// that have the labels and annotations of mark.
//
// A reference is replaced in containers and image volumes, at the places of the locators of its use, and in
// environment variables if the use says so. The first use that matches a reference as it was written replaces it. A
// container or volume whose image is replaced gets the pull policy IfNotPresent: the reference has a tag of its own,
// which a cluster may only have in its store. The command and args of a use replace those of the containers that run
// the image.
//
// A use that matches nothing is an error, and so is one with a command or args for an object that has no containers.
// Nothing else is changed: no policy of other containers, no selector, no field that would need another StatefulSet.
func Inject(
	objects []model.Object, uses []model.ImageUse, built map[string]model.BuiltImage, mark Mark,
) ([]model.Object, error) {
	compiled, err := compileUses(uses, built)
	if err != nil {
		return nil, err
	}
	injected := make([]model.Object, len(objects))
	for i, o := range objects {
		o = runtime.DeepCopyJSON(o)
		if err := injectObject(o, compiled); err != nil {
			return nil, err
		}
		if err := mark.put(o); err != nil {
			return nil, err
		}
		injected[i] = o
	}
	for _, u := range compiled {
		if !u.found {
			return nil, fmt.Errorf("Docker image missing from yaml: %s", u.Image)
		}
	}
	return injected, nil
}

func compileUses(uses []model.ImageUse, built map[string]model.BuiltImage) (compiled []*use, err error) {
	for _, u := range uses {
		c := &use{ImageUse: u, reference: built[u.Image].ClusterRef}
		if c.reference == "" {
			return nil, fmt.Errorf("image %q has no reference for the cluster", u.Image)
		}
		if c.matcher, err = NewImageMatcher(u.Image, u.MatchExact); err == nil {
			c.locators, err = newLocators(u.Locators)
		}
		if err != nil {
			return nil, fmt.Errorf("image %q: %w", u.Image, err)
		}
		compiled = append(compiled, c)
	}
	return compiled, nil
}

// injectObject changes an object. All references are read before the first is replaced.
func injectObject(o model.Object, uses []*use) (err error) {
	sites := sitesOf(o)
	located := make([][]site, len(uses))
	for i, u := range uses {
		if located[i], err = locatedSites(o, u.locators); err != nil {
			return err
		}
	}
	for i, u := range uses {
		matches := func(s site) bool { return (!s.inEnv || u.MatchInEnvVars) && u.matcher.Matches(s.reference) }
		for _, s := range slices.Concat(sites, located[i]) {
			if matches(s) {
				u.inject(s)
			}
		}
		if (u.Command != nil || u.Args != nil) && slices.ContainsFunc(located[i], matches) && len(podSpecs(o)) == 0 {
			return fmt.Errorf("entrypoint or container_args of image %q: %s has no containers", u.Image, IDOf(o))
		}
		sites = slices.DeleteFunc(sites, matches)
	}
	return nil
}

// inject replaces a reference.
func (u *use) inject(s site) {
	u.found = true
	s.set(u.reference)
	if s.container == nil {
		return
	}
	if u.Command != nil {
		s.container["command"] = anys(u.Command)
	}
	if u.Args != nil {
		s.container["args"] = anys(u.Args)
	}
}

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}
