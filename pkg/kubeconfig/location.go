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

// Location says where the entries are kept.
type Location struct {
	// Files are the kubeconfig files in order of precedence, absolute and at
	// least one. They may not exist yet, nor their directories.
	Files []string
}

// Locate finds the location by the environment. TILT_CONFIG names the files,
// as a list like PATH. Without it there's one, called config, in the directory
// that is the first of TILT_DEV_DIR, WMDAEMON_HOME and WINDMILL_DIR that's set,
// else .windmill in the home directory when there is one, else .tilt-dev there.
// Relative paths start at the working directory. Nothing is created.
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

// File is where an entry with a new name is written: the first file that
// exists, else the last.
func (l Location) File() string {
	for _, file := range l.Files {
		if exists(file) {
			return file
		}
	}
	return l.Files[len(l.Files)-1]
}

// exists is false only when there's certainly nothing at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
