// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// checkDir returns an error for an unusable working directory. The launch itself
// would only report that the program wasn't found.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := unix.Access(dir+"/.", unix.X_OK); err != nil {
		return &fs.PathError{Op: "chdir", Path: dir, Err: err}
	}
	return nil
}

// lookPath finds a program as a shell in dir with this environment does. It returns a name with a slash unchanged.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	var list string
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			list = value
		}
	}
	for _, entry := range filepath.SplitList(list) {
		if entry == "" {
			entry = "."
		}
		path := filepath.Join(entry, name)
		if !filepath.IsAbs(path) {
			// A path with a slash isn't looked up again.
			path = "./" + path
		}
		if executable(path, dir) {
			return path, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// executable reports whether a path, relative to dir, is an executable file.
func executable(path, dir string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil
}

// explain adds a cause to the error of a launch that the system's text omits.
func explain(err error, path, dir string) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if _, statErr := os.Stat(path); statErr != nil {
		return err
	}
	return fmt.Errorf("%w (the file exists, but its interpreter does not)", err)
}

// MergeEnv merges lists of "KEY=value" entries. The last entry of a key wins; an
// entry that consists of a key alone removes the variable.
func MergeEnv(lists ...[]string) []string {
	merged := []string{}
	seen := map[string]bool{}
	for _, entry := range slices.Backward(slices.Concat(lists...)) {
		key, _, set := strings.Cut(entry, "=")
		if set && !seen[key] {
			merged = append(merged, entry)
		}
		seen[key] = true
	}
	slices.Reverse(merged)
	return merged
}
