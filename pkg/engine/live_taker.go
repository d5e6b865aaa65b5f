// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"tilt.dev/session/pkg/model"
)

// taker is a live update of a resource.
type taker struct {
	*resource
	index int
}

// linkLive finds the takers of each source. A source has none if any of its users can't do without a build.
func (l *loop) linkLive() {
	for _, source := range l.resources {
		source.takers = nil
	}
	for _, r := range l.resources[:l.firstImage] {
		for i := range r.LiveUpdates {
			if u := &r.LiveUpdates[i]; len(u.Sources) == 0 {
				r.takers = append(r.takers, taker{r, i})
			} else {
				for _, name := range u.Sources {
					if image := l.images[name]; image != nil {
						image.takers = append(image.takers, taker{r, i})
					}
				}
			}
		}
	}
	for _, source := range l.resources[l.firstImage:] {
		if !source.takersSuffice() {
			source.takers = nil
		}
	}
}

// takersSuffice reports whether the takers of an image are all that its changes concern.
func (r *resource) takersSuffice() bool {
	for _, user := range r.users {
		switch {
		case user.image && !user.takersSuffice():
			return false
		case user.image:
		case !slices.ContainsFunc(r.takers, func(t taker) bool { return t.takes(user, r) }):
			return false
		}
	}
	return true
}

// takes reports whether t is a live update of user for the containers of image.
func (t taker) takes(user, image *resource) bool {
	return t.resource == user && t.update().Image == image.imageName()
}

func (t taker) update() *model.LiveUpdate { return &t.LiveUpdates[t.index] }

// sources are the tasks whose files a live update brings.
func (l *loop) sources(r *resource, u *model.LiveUpdate) []*resource {
	if len(u.Sources) == 0 {
		return []*resource{r}
	}
	var sources []*resource
	for _, name := range u.Sources {
		if image := l.images[name]; image != nil {
			sources = append(sources, image)
		}
	}
	return sources
}
