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
	"strings"

	"golang.org/x/sys/unix"
)

// errEmptyArgv is for a Spec that names no program.
var errEmptyArgv = errors.New("exec: no command")

// checkDir tells what's wrong with a working directory, naming it. The launch
// itself could only say that the program wasn't found.
func checkDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
	case !info.IsDir():
		err = unix.ENOTDIR
	default:
		err = unix.Access(dir, unix.X_OK)
	}
	if err != nil {
		return &fs.PathError{Op: "chdir", Path: dir, Err: err}
	}
	return nil
}

// lookPath finds the program of argv as a shell in dir with this environment
// would. A name with a slash is returned as it is.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, entry := range filepath.SplitList(lookupEnv(env, "PATH")) {
		if entry == "" {
			entry = "."
		}
		path := filepath.Join(entry, name)
		if !filepath.IsAbs(path) {
			// The slash keeps the name from being looked up again.
			path = "./" + path
		}
		if executable(path, dir) {
			return path, nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

// executable says whether a path, relative to dir, is a file that can be run.
func executable(path, dir string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil
}

// explain adds to the error of a launch what the system's own text hides.
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
	return fmt.Errorf("%w (the file exists, but the interpreter that it names does not)", err)
}
