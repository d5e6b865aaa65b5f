// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// checkBelow returns an error unless a file is below a directory, wherever symbolic links of its path lead. The
// directory has none; empty means that every file may be used.
func checkBelow(root, path string) error {
	if root == "" {
		return nil
	}
	resolved, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		resolved, err = filepath.Clean(path), nil // Reading it will fail.
	}
	if err != nil {
		return fmt.Errorf("find out where %q is: %w", path, err)
	}
	below, err := filepath.Rel(root, resolved)
	if err != nil || !filepath.IsLocal(below) {
		return fmt.Errorf("the Tiltfile %q is not below %q, the --root of this runner", resolved, root)
	}
	return nil
}
