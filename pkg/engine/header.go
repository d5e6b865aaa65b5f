// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// listed is the largest number of files in a line.
const listed = 5

// buildHeader is the log text before a command: an empty line and why the command runs. It is empty for a retry.
func buildHeader(w wants, paths []string, base string) string {
	switch {
	case w.retry:
		return ""
	case w.initial:
		return header("Initial Build")
	case len(paths) > 0:
		return header(filesHeader(paths, base))
	case w.follows:
		return header("Dependency Updated")
	case w.trigger > 0:
		return header("CLI Trigger")
	case w.redefined.IsZero() && !w.rebuilt.IsZero():
		return header("Dependency Updated")
	}
	return header("Config Changed")
}

func header(text string) string { return "\n" + text + "\n" }

// filesHeader names the changed files. There must be at least one.
func filesHeader(paths []string, base string) string {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	files := "Files"
	if len(paths) == 1 {
		files = "File"
	}
	return fmt.Sprintf("%d %s Changed: [%s]", len(paths), files, strings.Join(shorten(paths, base), " "))
}

// ownFiles explains why a run's own changes lead to no other run.
func ownFiles(paths []string, base string) string {
	return fmt.Sprintf("Changed each time by what it runs, and ignored from now on while that runs: %s\n"+
		"To have it always ignored, add it to ignore= or .tiltignore.\n", strings.Join(shorten(paths, base), ", "))
}

// shorten makes paths below base relative, and omits all but the first few.
func shorten(paths []string, base string) []string {
	var short []string
	for _, path := range paths {
		if len(short) == listed {
			return append(short, "...")
		}
		if below, err := filepath.Rel(base, path); err == nil && filepath.IsLocal(below) {
			path = below
		}
		short = append(short, path)
	}
	return short
}
