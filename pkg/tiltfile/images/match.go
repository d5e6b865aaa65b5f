// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"tilt.dev/session/pkg/image/dockerfile"
	"tilt.dev/session/pkg/model"
)

// Match returns the name of the build that makes the image of a reference in a Kubernetes object. A build whose name
// has no tag makes all tags and digests of its repository. One with a tag, or whose repository other builds make too,
// makes that tag only. A text that is no reference matches nothing. The references that Match is called with are what
// the warning of unused builds suggests.
func (i *Images) Match(ref string) (name string, ok bool) {
	i.asked = append(i.asked, ref)
	if b := i.match(ref); b != nil {
		return b.name.String(), true
	}
	return "", false
}

// Synced is how files get into the containers of an image that the project doesn't build.
type Synced struct {
	model.LiveUpdate
	// Deps are the absolute paths of the files, except Ignores.
	Deps    []string
	Ignores []model.IgnoreSet
}

// Synced returns how files get into the containers with the image of a reference in an object of a Kubernetes resource,
// nil if the project builds the image or nothing says so. The error is as that of Uses.
func (i *Images) Synced(resource, ref string) (*Synced, error) {
	b := i.lookUp(ref, true)
	switch {
	case b == nil:
		return nil, nil
	case b.liveUpdate.Restart:
		return nil, restartError(resource)
	}
	update := model.LiveUpdate{LiveSteps: *b.liveUpdate, Repository: b.name.Normalized(), Ignores: b.ignores}
	return &Synced{update, b.deps, b.ignores}, nil
}

// match returns the build that makes the image of a reference, nil for none.
func (i *Images) match(ref string) *build { return i.lookUp(ref, false) }

// lookUp returns the build for the image of a reference: one that only syncs files, or one that makes it.
func (i *Images) lookUp(ref string, syncsOnly bool) *build {
	name, err := dockerfile.ParseName(ref)
	if err != nil {
		return nil
	}
	for _, b := range i.byRepository[name.Repository()] {
		if b.syncsOnly() == syncsOnly && b.name.Matches(ref, i.matchesExactly(b)) {
			return b
		}
	}
	return nil
}

// matchesExactly returns whether a build makes only one tag.
func (i *Images) matchesExactly(b *build) bool {
	return b.name.Tagged() || len(i.byRepository[b.name.Repository()]) > 1
}

// Find returns the name of the build that an image_deps= means: the one of exactly this name, or else the one that
// makes its image.
func (i *Images) Find(ref string) (name string, ok bool) {
	if b := i.find(ref); b != nil {
		return b.name.String(), true
	}
	return "", false
}

func (i *Images) find(ref string) *build {
	wanted, err := dockerfile.ParseName(ref)
	if err != nil {
		return nil
	}
	if b := i.declared(wanted); b != nil && !b.syncsOnly() {
		return b
	}
	return i.match(ref)
}

// declared returns the build with a name, nil for none.
func (i *Images) declared(name dockerfile.Name) *build {
	for _, b := range i.byRepository[name.Repository()] {
		if b.name.String() == name.String() {
			return b
		}
	}
	return nil
}
