// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
)

// Close doesn't wait for a cluster that is away.
func TestCloseAway(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = free.Close()
	path := filepath.Join(t.TempDir(), "config")
	config := `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: "http://` + free.Addr().String() + `"}}], users: [{name: u, user: {}}]}`
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	frozen := cluster.Freeze(cluster.Options{Kubeconfig: path, Directory: t.TempDir()})
	defer func() { _ = frozen.Close() }()
	store := logs.New(1<<20, clock.RealClock{})
	d := New(Options{Connect: frozen.Connection, Project: "p", Owner: "me", Log: engine.NewLog(store, "log")})
	log := func() string {
		var lines []string
		for _, line := range store.Tail("log", 100) {
			lines = append(lines, line.Text)
		}
		return strings.Join(lines, "\n")
	}
	d.SetProject([]model.Resource{{Name: "web", Update: &model.Deploy{Resource: "web"}}})
	for !strings.Contains(log(), "trying again") {
		time.Sleep(10 * time.Millisecond)
	}
	d.Close(context.Background())
	if strings.Contains(log(), "Pruning failed") {
		t.Errorf("closed once the cluster was given up: %s", log())
	}
}
