// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

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
