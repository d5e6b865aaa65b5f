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

// configEnv names the files to use instead of the one in the directory, as a
// list like PATH.
const configEnv = "TILT_CONFIG"

// Location says where the entries are kept.
type Location struct {
	// Dir is Tilt's configuration directory, absolute. It may not exist yet.
	Dir string
	// Files are the kubeconfig files in order of precedence, absolute and at
	// least one. They may not exist yet.
	Files []string
}

// Locate finds the location by the environment: TILT_CONFIG names the files;
// the directory is the first of TILT_DEV_DIR, WMDAEMON_HOME and WINDMILL_DIR
// that's set, else .windmill in the home directory when there is one, else
// .tilt-dev there. Relative paths start at the working directory. Nothing is
// created.
func Locate(getenv func(key string) string) (Location, error) {
	dir, err := locateDir(getenv)
	if err != nil {
		return Location{}, err
	}
	var files []string
	for _, file := range filepath.SplitList(getenv(configEnv)) {
		if file == "" {
			continue
		}
		file, err := filepath.Abs(file)
		if err != nil {
			return Location{}, fmt.Errorf("locate the kubeconfig of $%s: %w", configEnv, err)
		}
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		files = []string{filepath.Join(dir, "config")}
	}
	return Location{Dir: dir, Files: files}, nil
}

func locateDir(getenv func(string) string) (string, error) {
	for _, key := range []string{"TILT_DEV_DIR", "WMDAEMON_HOME", "WINDMILL_DIR"} {
		if dir := getenv(key); dir != "" {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return "", fmt.Errorf("locate the directory of $%s: %w", key, err)
			}
			return abs, nil
		}
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("locate Tilt's directory: neither $TILT_DEV_DIR nor $HOME is set")
	}
	home, err := filepath.Abs(home)
	if err != nil {
		return "", fmt.Errorf("locate the directory of $HOME: %w", err)
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
