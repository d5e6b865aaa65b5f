// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dockerfile finds the images that a Dockerfile builds on, and puts other references in their place.
//
// A reference stands in FROM, COPY --from or RUN --mount=from=. In FROM it may have variables: build arguments that
// are declared before the first FROM, with their defaults. A reference that depends on the platform of the build
// can't be known here, and isn't one of the bases. Triggers (ONBUILD) belong to the build of another image and are
// left alone.
//
// The package does no input or output.
package dockerfile

import (
	"fmt"
	"slices"
	"strings"
)

// Bases returns the references that the build of a target uses, in the order of their first use and as they are
// written, with variables resolved. An empty target is the last stage. Stages that the target doesn't need don't
// count, unless that can't be told.
//
// Build arguments are "KEY=value" entries; an entry without a value is ignored.
func Bases(dockerfile string, buildArgs []string, target string) ([]string, error) {
	f, err := parse(dockerfile, buildArgs)
	if err != nil {
		return nil, err
	}
	var names []string
	needed := f.needed(target)
	for _, u := range f.uses {
		if needed(u.stage) && !slices.Contains(names, u.name) {
			names = append(names, u.name)
		}
	}
	return names, nil
}

// Replace returns the Dockerfile with other references: to is called with each one, resolved, and returns what to
// put in its place, or "" to leave it. Line numbers stay the same.
func Replace(dockerfile string, buildArgs []string, to func(name string) string) (string, error) {
	f, err := parse(dockerfile, buildArgs)
	if err != nil {
		return "", err
	}
	var want []use
	lines := strings.SplitAfter(dockerfile, "\n")
	texts := map[int]string{}
	for _, u := range f.uses {
		if ref := to(u.name); ref != "" {
			line, ok := texts[u.instruction]
			if !ok {
				line = strings.TrimRight(f.instructions[u.instruction].Original, "\r\n")
			}
			texts[u.instruction] = u.replace(line, ref)
			u.name = ref
		}
		want = append(want, u)
	}
	if len(texts) == 0 {
		return dockerfile, nil
	}
	for i, text := range texts {
		first, count := head(f.instructions[i])
		lines[first] = strings.Repeat("\n", count-1) + text + "\n"
		for j := first + 1; j < first+count; j++ {
			lines[j] = ""
		}
	}
	replaced := strings.Join(lines, "")
	got, err := parse(replaced, buildArgs)
	if err != nil {
		return "", fmt.Errorf("put references of images into the Dockerfile: %w", err)
	}
	if i := differs(got, f, want); i >= 0 {
		return "", fmt.Errorf("line %d of the Dockerfile: can't put the reference of an image into %q; "+
			"write the image's name without quotes", f.instructions[i].StartLine, f.instructions[i].Original)
	}
	return replaced, nil
}

// differs returns the first instruction of got that isn't that of the original with the wanted references, or -1.
func differs(got, original *file, want []use) int {
	for i, node := range original.instructions {
		if i >= len(got.instructions) || !strings.EqualFold(got.instructions[i].Value, node.Value) ||
			!slices.Equal(got.instructions[i].Heredocs, node.Heredocs) {
			return i
		}
	}
	for i, u := range want {
		if i >= len(got.uses) || got.uses[i].instruction != u.instruction || got.uses[i].name != u.name {
			return u.instruction
		}
	}
	if len(got.instructions) != len(original.instructions) || len(got.uses) != len(want) {
		return len(original.instructions) - 1
	}
	return -1
}
