// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tilt.dev/session/pkg/private"
)

// ownName has commands find a program called tilt, as which scripts know the one that runs them.
type ownName struct {
	// path is that of the program, empty for none.
	path string
	// directory is a private one that was made for it, empty for none.
	directory string
}

// nameOwn finds tilt on PATH or, if there's none, puts this program there by that name, in a private directory at the
// end. It returns the environment in which commands find it. Without a place for the directory there is no tilt: few
// scripts look for it. The caller must remove the name.
func nameOwn(environ []string, executable string) (name ownName, _ []string) {
	const tilt = "tilt"
	path, err := exec.LookPath(tilt)
	if err == nil {
		return ownName{path: path}, environ
	}
	if name.directory, err = private.TemporaryDirectory(""); err != nil {
		return ownName{}, environ
	}
	path = filepath.Join(name.directory, tilt)
	if err := os.Symlink(executable, path); err != nil {
		return name, environ
	}
	name.path = path
	environ = slices.Clone(environ)
	for i, entry := range environ {
		if strings.HasPrefix(entry, "PATH=") {
			environ[i] += string(filepath.ListSeparator) + name.directory
		}
	}
	return name, environ
}

// variables are environment variables for scripts that find the program by its path.
func (n ownName) variables() []string {
	if n.path == "" {
		return nil
	}
	return []string{"TILT_BIN=" + n.path}
}

func (n ownName) remove() error {
	if n.directory == "" {
		return nil
	}
	return os.RemoveAll(n.directory)
}
