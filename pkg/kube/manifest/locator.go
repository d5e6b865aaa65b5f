// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"

	"github.com/distribution/reference"

	"tilt.dev/session/pkg/model"
)

// Locator is a compiled model.ImageLocator.
type Locator struct {
	selector Selector
	path     path
	// object is nil if the path leads to references.
	object *model.ImageObject
}

// NewLocator compiles the selector and the JSONPath of a locator. A path can be written with and without braces. That
// of references has to end with a field, an index, [*] or a filter.
func NewLocator(l model.ImageLocator) (compiled Locator, err error) {
	compiled.object = l.Object
	if compiled.selector, err = NewSelector(l.Selector); err != nil {
		return Locator{}, err
	}
	if l.Object != nil {
		compiled.path, err = newPath(l.Object.Path, false)
	} else {
		compiled.path, err = newPath(l.Path, true)
	}
	return compiled, err
}

// newLocators compiles locators.
func newLocators(locators []model.ImageLocator) ([]Locator, error) {
	compiled := make([]Locator, len(locators))
	for i, l := range locators {
		var err error
		if compiled[i], err = NewLocator(l); err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

// Matches is true if the locator's selector matches the object.
func (l Locator) Matches(o model.Object) bool { return l.selector.Matches(o) }

// sites returns the references at the places of the locator in an object that it matches.
func (l Locator) sites(o model.Object) (sites []site, err error) {
	places, err := l.path.places(o)
	if err != nil {
		return nil, fmt.Errorf("image of %s: %w", IDOf(o), err)
	}
	for _, place := range places {
		found := l.objectSite(place)
		if text, ok := place.value.(string); ok && l.object == nil {
			found = &site{reference: text, set: func(reference string) { place.set(reference) }}
		}
		switch {
		case found != nil && found.reference != "":
			sites = append(sites, *found)
		case found == nil && place.value != nil:
			return nil, fmt.Errorf("image of %s: JSONPath %q leads to %s", IDOf(o), l.path.text, describe(place.value))
		}
	}
	return sites, nil
}

// objectSite returns the reference that two fields of a map make up, or nil if that isn't what the place has.
func (l Locator) objectSite(place place) *site {
	fields, isMap := place.value.(map[string]any)
	if l.object == nil || !isMap {
		return nil
	}
	repo, tag := stringAt(fields, l.object.RepoField), stringAt(fields, l.object.TagField)
	text := repo
	if repo != "" && tag != "" {
		text += ":" + tag
	}
	return &site{reference: text, set: func(text string) {
		repo, tag := text, ""
		if named, err := reference.ParseNormalizedNamed(text); err == nil {
			repo = reference.FamiliarName(named)
			if tagged, ok := named.(reference.Tagged); ok {
				tag = tagged.Tag()
			}
		}
		fields[l.object.RepoField], fields[l.object.TagField] = repo, tag
	}}
}
