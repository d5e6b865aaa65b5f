// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubeconfig keeps the entry of a running API server in Tilt's
// kubeconfig file, where tilt, kubectl and our own commands look for it.
//
// An entry is a context, a cluster and a user of one name. The context of an entry that this package writes carries
// an extension that names the process which owns the entry. It lets a later process recognize, replace and drop the
// entry of a process that ended without removing it.
//
//	contexts:
//	- name: tilt-default
//	  context:
//	    cluster: tilt-default
//	    user: tilt-default
//	    extensions:
//	    - name: tilt.dev/session
//	      extension:
//	        pid: 4711
//	        started: 96dad49d-2433-4103-aee6-9dd91fee74ad/108313
//
// # Guarantees
//
// A change keeps the clusters, contexts, users, preferences and extensions of others. A file that client-go can't
// parse, or can only parse in part, is never written. A write replaces the whole file or nothing, and keeps a
// symbolic link to it. Every write happens under the lock that Tilt and kubectl take.
//
// Only the owner of the file can read the token in it: a file that other users had access to has mode 0600 before
// the token is written. A file or a symbolic link that belongs to another user is refused.
//
// # Limits
//
// A change goes through client-go's types, as with kubectl config: it loses
// comments and fields that this version of client-go doesn't know.
//
// Processes are identified within one machine and one PID namespace. Machines
// that share a home directory need one directory each; set TILT_DEV_DIR.
package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
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
			return Location{}, fmt.Errorf("locate the kubeconfig: %w", err)
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

// Load reads the client configuration for the session at port. If there is no entry, or its process has ended
// without removing it, the error says how to start a session or names the ports of running ones.
func (l Location) Load(port int) (clientcmd.ClientConfig, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: l.Files}
	config, err := rules.Load()
	if err != nil {
		return nil, err
	}
	name := ContextName(port)
	context := config.Contexts[name]
	if context == nil {
		return nil, fmt.Errorf("no tilt apiserver found: %s has no context %s: %s",
			strings.Join(l.Files, ", "), name, advice(port, config))
	}
	if owner, ok := ownerOf(name, context); ok && !owner.alive() {
		return nil, fmt.Errorf("no tilt apiserver found: process %d of context %s has ended: %s",
			owner.PID, name, advice(port, config))
	}
	return clientcmd.NewNonInteractiveClientConfig(*config, name, &clientcmd.ConfigOverrides{}, rules), nil
}

// advice names the running sessions, or says how to start one.
func advice(port int, config *clientcmdapi.Config) string {
	var running []string
	for _, name := range slices.Sorted(maps.Keys(config.Contexts)) {
		if owner, ok := ownerOf(name, config.Contexts[name]); ok && owner.alive() {
			running = append(running, name)
		}
	}
	if len(running) == 0 {
		return fmt.Sprintf("start one with `tilt-session up --port %[1]d` "+
			"or `tilt-session serve --secure-port %[1]d`", port)
	}
	return fmt.Sprintf("choose the port of a running one with --port (%s)", strings.Join(running, ", "))
}
