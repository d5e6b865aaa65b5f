// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"

	ref "github.com/distribution/reference"
)

// reference is the parsed reference of a build.
type reference struct {
	// name is unique among the builds: the familiar form.
	name string
	// repository and text are the normalized forms, without and with the tag.
	repository, text string
	tagged           bool
}

// parseReference parses the reference of a build. It can have a tag.
func parseReference(text string) (reference, error) {
	named, err := ref.ParseNormalizedNamed(text)
	if err != nil {
		return reference{}, err
	}
	if _, ok := named.(ref.Digested); ok {
		return reference{}, errors.New("an image that is to be built can't have a digest")
	}
	_, tagged := named.(ref.Tagged)
	return reference{ref.FamiliarString(named), named.Name(), named.String(), tagged}, nil
}

// Match returns the name of the build that makes the image of a reference in a Kubernetes object or a Dockerfile. A
// build whose reference has no tag makes all tags and digests of its repository. One with a tag, or whose repository
// other builds make too, makes exactly the reference. A text that is no reference matches nothing.
func (i *Images) Match(text string) (name string, ok bool) {
	if b := i.match(text); b != nil {
		return b.name, true
	}
	return "", false
}

func (i *Images) match(text string) *build {
	named, err := ref.ParseNormalizedNamed(text)
	if err != nil {
		return nil
	}
	for _, b := range i.builds {
		if b.text == named.String() || b.repository == named.Name() && !i.matchesExactly(b) {
			return b
		}
	}
	return nil
}

// matchesExactly returns whether a build makes only the tag of its reference.
func (i *Images) matchesExactly(b *build) bool {
	if b.tagged {
		return true
	}
	for _, other := range i.builds {
		if other != b && other.repository == b.repository {
			return true
		}
	}
	return false
}

// Find returns the name of the build that an image_deps= means: the one of exactly this reference, or else the one
// that makes its image.
func (i *Images) Find(text string) (name string, ok bool) {
	if b := i.find(text); b != nil {
		return b.name, true
	}
	return "", false
}

func (i *Images) find(text string) *build {
	for _, b := range i.builds {
		if wanted, err := parseReference(text); err == nil && b.text == wanted.text {
			return b
		}
	}
	return i.match(text)
}
