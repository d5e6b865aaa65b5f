// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Location is where entries are stored.
type Location struct {
	// Files are the kubeconfig files in order of precedence, absolute and at
	// least one. They may not exist yet, nor their directories.
	Files []string
}

// Locate determines the location from the environment. TILT_CONFIG is a list of files, separated as in PATH.
// Without it the only file is config in a directory: the first of TILT_DEV_DIR, WMDAEMON_HOME and WINDMILL_DIR that
// is set, else .windmill in the home directory if it exists, else .tilt-dev there. Relative paths start at the
// working directory. Locate creates nothing.
func Locate(getenv func(key string) string) (Location, error) {
	var l Location
	for _, file := range filepath.SplitList(getenv("TILT_CONFIG")) {
		if file == "" {
			continue
		}
		file, err := filepath.Abs(file)
		if err != nil {
			return Location{}, fmt.Errorf("locate the kubeconfig of $TILT_CONFIG: %w", err)
		}
		if !slices.Contains(l.Files, file) {
			l.Files = append(l.Files, file)
		}
	}
	if len(l.Files) > 0 {
		return l, nil
	}
	dir, err := locateDir(getenv)
	if err != nil {
		return Location{}, err
	}
	file, err := filepath.Abs(filepath.Join(dir, "config"))
	if err != nil {
		return Location{}, fmt.Errorf("locate the kubeconfig: %w", err)
	}
	return Location{Files: []string{file}}, nil
}

func locateDir(getenv func(string) string) (string, error) {
	for _, key := range []string{"TILT_DEV_DIR", "WMDAEMON_HOME", "WINDMILL_DIR"} {
		if dir := getenv(key); dir != "" {
			return dir, nil
		}
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("locate the kubeconfig: neither $HOME nor $TILT_DEV_DIR is set")
	}
	if old := filepath.Join(home, ".windmill"); exists(old) {
		return old, nil
	}
	return filepath.Join(home, ".tilt-dev"), nil
}

// File is the file for an entry with a new name: the first file that exists, else the last.
func (l Location) File() string {
	for _, file := range l.Files {
		if exists(file) {
			return file
		}
	}
	return l.Files[len(l.Files)-1]
}

// exists is false only if path certainly does not exist.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
