// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"
)

// Running is an entry whose process runs.
type Running struct {
	// Name is the name of the context, Port the one that names it.
	Name string
	Port int
	// Server is the URL of the API server.
	Server string
	// PID is the process that owns the entry, Tiltfile what it runs, empty for a server of many Sessions. PID is 0 for
	// an entry of another program, such as Tilt, which may have ended.
	PID      int
	Tiltfile string

	owner process
}

// Running returns the entries whose processes run, and those of other programs, sorted by name.
func (l Location) Running() ([]Running, error) {
	config, err := (&clientcmd.ClientConfigLoadingRules{Precedence: l.Files}).Load()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", strings.Join(l.Files, ", "), err)
	}
	var running []Running
	for _, name := range slices.Sorted(maps.Keys(config.Contexts)) {
		port, ok := portOf(name)
		context := config.Contexts[name]
		if !ok || context == nil || config.Clusters[context.Cluster] == nil {
			continue
		}
		r := Running{Name: name, Port: port, Server: config.Clusters[context.Cluster].Server}
		if owner, ok := ownerOf(name, context); ok {
			r.PID, r.Tiltfile, r.owner = owner.PID, owner.Tiltfile, owner
		}
		if r.PID == 0 || r.Alive() {
			running = append(running, r)
		}
	}
	return running, nil
}

// portOf is the port that a context is named after.
func portOf(context string) (port int, ok bool) {
	if context == ContextName(defaultPort) {
		return defaultPort, true
	}
	number, ok := strings.CutPrefix(context, "tilt-")
	port, err := strconv.Atoi(number)
	return port, ok && err == nil
}

// Alive reports whether the process still runs. It is true when in doubt.
func (r Running) Alive() bool { return r.owner.alive() }

// End asks the process to end as Ctrl-C does. A second time it is asked to end at once. A process that has ended is no
// error. One whose identity is in doubt is left alone, with an error: its number may be that of another by now.
func (r Running) End() error {
	switch started, err := started(r.owner.PID); {
	case errors.Is(err, errEnded):
		return nil
	case err != nil:
		return fmt.Errorf("identify process %d: %w", r.PID, err)
	case started != r.owner.Started:
		return nil
	}
	if err := syscall.Kill(r.PID, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", r.PID, err)
	}
	return nil
}
