// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"

	"github.com/distribution/reference"
)

// ImageMatcher tells which references mean an image of the project.
type ImageMatcher struct {
	name, tag string
	exact     bool
}

// NewImageMatcher returns the matcher of an image's name. Exact matches the tag of the name alone, where a missing tag
// is "latest". Otherwise any tag and digest matches.
func NewImageMatcher(name string, exact bool) (ImageMatcher, error) {
	named, tag, err := parseReference(name)
	if err != nil {
		return ImageMatcher{}, fmt.Errorf("can't parse %q: %w", name, err)
	}
	return ImageMatcher{named, tag, exact}, nil
}

// Matches is true if a reference means the image. Names are normalized: "redis" is "docker.io/library/redis".
func (m ImageMatcher) Matches(reference string) bool {
	name, tag, err := parseReference(reference)
	return err == nil && name == m.name && (!m.exact || tag == m.tag)
}

// parseReference returns the normalized name of a reference and its tag. The tag is empty for a digest without one.
func parseReference(text string) (name, tag string, err error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return "", "", err
	}
	if tagged, ok := reference.TagNameOnly(named).(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	return named.Name(), tag, nil
}
