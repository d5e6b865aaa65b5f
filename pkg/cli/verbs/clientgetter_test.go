// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package verbs

import (
	"path/filepath"
	"testing"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/kubeconfig"
)

// Deleting many Sessions is as many requests, which nothing here may hold back.
func TestRequestsAreNotSlowedDown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	t.Setenv("TILT_CONFIG", file)
	entry := kubeconfig.Entry{Port: 4711, Server: "https://127.0.0.1:4711", Token: "secret"}
	if err := (kubeconfig.Location{Files: []string{file}}).Add(t.Context(), entry, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	config, err := newClientGetter(&command.Endpoint{Port: entry.Port}, nil).ToRESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	if config.QPS >= 0 || config.BearerToken != entry.Token {
		t.Errorf("%v requests a second to %s", config.QPS, config.Host)
	}
}
