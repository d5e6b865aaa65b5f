// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"fmt"

	"github.com/distribution/reference"
)

// Name is the name of an image of the project.
type Name struct{ named reference.Named }

// ParseName reads a reference in any form.
func ParseName(ref string) (Name, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return Name{}, fmt.Errorf("image reference %q: %w", ref, err)
	}
	return Name{named}, nil
}

// String is the name in its familiar form: "redis" for docker.io/library/redis.
func (n Name) String() string { return reference.FamiliarString(n.named) }

// Repository is the familiar name without tag and digest.
func (n Name) Repository() string { return reference.FamiliarName(n.named) }

// Normalized is the full name without tag and digest.
func (n Name) Normalized() string { return n.named.Name() }

// Tagged is true if the name has a tag or a digest.
func (n Name) Tagged() bool { return !reference.IsNameOnly(n.named) }

// Matches reports whether a reference means this image. A name without a tag matches each tag and digest, unless
// exact is set, as it is if images of the project differ in their tags only. No tag is then the tag "latest".
func (n Name) Matches(ref string, exact bool) bool {
	other, err := reference.ParseNormalizedNamed(ref)
	if err != nil || other.Name() != n.named.Name() {
		return false
	}
	return !exact && !n.Tagged() || reference.TagNameOnly(other).String() == reference.TagNameOnly(n.named).String()
}

// Find returns the index of the name that a reference means, or -1. Names that share a repository match by their tag.
func Find(names []Name, ref string) int {
	for i, n := range names {
		shared := false
		for j, other := range names {
			shared = shared || i != j && other.named.Name() == n.named.Name()
		}
		if n.Matches(ref, shared) {
			return i
		}
	}
	return -1
}
