// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"slices"

	"tilt.dev/session/pkg/model"
)

// site is an image reference within an object.
type site struct {
	reference string
	set       func(reference string)
	// container is the one that runs the image, nil for other places.
	container map[string]any
	// inEnv is true for the value of an environment variable, which needn't be a reference.
	inEnv bool
}

// sitesOf returns the references in the pod specs of an object.
func sitesOf(o model.Object) (sites []site) {
	setIn := func(fields map[string]any, key, policy string) func(string) {
		return func(reference string) {
			fields[key] = reference
			if policy != "" {
				fields[policy] = "IfNotPresent"
			}
		}
	}
	for _, spec := range podSpecs(o) {
		for _, container := range containersOf(spec) {
			if image := stringAt(container, "image"); image != "" {
				sites = append(sites, site{
					reference: image, set: setIn(container, "image", "imagePullPolicy"), container: container,
				})
			}
			for _, variable := range mapsAt(container, "env") {
				if value := stringAt(variable, "value"); value != "" {
					sites = append(sites, site{reference: value, set: setIn(variable, "value", ""), inEnv: true})
				}
			}
		}
		for _, volume := range mapsAt(spec, "volumes") {
			image := mapAt(volume, "image")
			if text := stringAt(image, "reference"); text != "" {
				sites = append(sites, site{reference: text, set: setIn(image, "reference", "pullPolicy")})
			}
		}
	}
	return sites
}

// locatedSites returns the references at the places of those locators that match the object.
func locatedSites(o model.Object, locators []Locator) (sites []site, err error) {
	for _, l := range locators {
		if !l.Matches(o) {
			continue
		}
		found, err := l.sites(o)
		if err != nil {
			return nil, err
		}
		sites = append(sites, found...)
	}
	return sites, nil
}

// Images returns the references in an object as they are written, each once, in a stable order: those of containers
// and image volumes, those at the places of the locators that match the object, and the values of environment
// variables that a matcher of inEnv matches.
func Images(o model.Object, locators []Locator, inEnv []ImageMatcher) (references []string, err error) {
	located, err := locatedSites(o, locators)
	if err != nil {
		return nil, err
	}
	for _, site := range append(sitesOf(o), located...) {
		matches := func(m ImageMatcher) bool { return m.Matches(site.reference) }
		if (!site.inEnv || slices.ContainsFunc(inEnv, matches)) && !slices.Contains(references, site.reference) {
			references = append(references, site.reference)
		}
	}
	return references, nil
}
