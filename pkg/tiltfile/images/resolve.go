// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"slices"
	"strings"
)

// Resolve finds the bases of the builds once all Tiltfiles are executed. Its error is for builds that can't be built
// or updated as they are declared. It is called once, before Uses and Project.
func (i *Images) Resolve() error {
	for _, b := range i.builds {
		if err := i.resolve(b); err != nil {
			return err
		}
	}
	for _, b := range i.builds {
		if inCycle(b) {
			return fmt.Errorf("%s: Image dependency cycle: %s", b.position, b.name.String())
		}
	}
	for _, b := range i.builds {
		if b.liveUpdate == nil {
			continue
		}
		var watched []string
		for _, part := range i.ordered([]string{b.name.String()}) {
			watched = append(watched, part.deps...)
		}
		if err := checkPaths(b.liveUpdate, watched); err != nil {
			return fmt.Errorf("%s: image %q: %w", b.position, b.name.String(), err)
		}
	}
	return i.unusedSteps()
}

// resolve finds the bases of one build.
func (i *Images) resolve(b *build) error {
	for _, need := range b.needs {
		base := i.match(need)
		if b.custom != nil {
			base = i.find(need)
		}
		switch {
		case base == nil && b.custom != nil:
			return fmt.Errorf("%s: image %q: image dep %q not found", b.position, b.name.String(), need)
		case base != nil && !slices.Contains(b.bases, base):
			b.bases = append(b.bases, base)
		}
	}
	return nil
}

// inCycle returns whether a build is a base of itself.
func inCycle(b *build) bool {
	seen := map[*build]bool{}
	var reaches func(*build) bool
	reaches = func(from *build) bool {
		for _, base := range from.bases {
			if base == b {
				return true
			}
			if !seen[base] {
				seen[base] = true
				if reaches(base) {
					return true
				}
			}
		}
		return false
	}
	return reaches(b)
}

// unusedSteps returns an error that names the steps that no live update has.
func (i *Images) unusedSteps() error {
	var unused []string
	for _, s := range i.steps {
		if !s.used {
			unused = append(unused, fmt.Sprintf("\n  %s: %s", s.position, s))
		}
	}
	if len(unused) > 0 {
		return fmt.Errorf("found live update steps that were created but not used in a live_update:%s",
			strings.Join(unused, ""))
	}
	return nil
}
