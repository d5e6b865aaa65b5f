//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/model"
)

// An object comes back to the Tiltfile while another one of its resource is being pruned.
func TestReturned(t *testing.T) {
	b := newBench(t)
	service := "{apiVersion: v1, kind: Service, metadata: {name: stuck}, spec: {ports: [{port: 80}]}}\n"
	web, db := b.resource("web", named("web", "")), b.resource("db", service+named("back", ""))
	b.deployer.SetProject(resources(web, db))
	if end := b.run(b.deployer, db, false); end.Error != "" {
		t.Fatal(end.Error)
	}
	finalizers := func(names []string) {
		b.patch("v1", "Service", "stuck", "test", map[string]any{"metadata": map[string]any{"finalizers": names}})
	}
	finalizers([]string{"example.com/never"})
	b.deployer.SetProject(resources(web))
	b.eventually("the service is being deleted", func() bool {
		return b.get("v1", "Service", "stuck").GetDeletionTimestamp() != nil
	})
	db = b.resource("db", named("back", ""))
	b.deployer.SetProject(resources(web, db))
	again, err := b.deployer.StartUpdate(b.request(db))
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the object is applied", func() bool { return strings.Contains(b.log(), "1 unchanged") })
	finalizers(nil)
	<-again.Done()
	b.deployer.Close(t.Context())
	if !b.has("back") {
		t.Error("deleted after its deploy")
	}
	entries, err := b.deployer.inventory.read(t.Context(), b.conn, nil)
	if err != nil || len(entries) != 1 || entries[0].Name != "back" {
		t.Errorf("inventory %v, %v", entries, err)
	}
}

// A deploy that waits for the end of another pruning is stopped.
func TestStopBeforePruning(t *testing.T) {
	b := newBench(t)
	service := "{apiVersion: v1, kind: Service, metadata: {name: stuck}, spec: {ports: [{port: 80}]}}\n"
	web, db := b.resource("web", named("stays", "")+named("leaves", "")), b.resource("db", service)
	b.deployer.SetProject(resources(web, db))
	for _, r := range []*model.Deploy{web, db} {
		if end := b.run(b.deployer, r, false); end.Error != "" {
			t.Fatal(end.Error)
		}
	}
	finalizers := func(names []string) {
		b.patch("v1", "Service", "stuck", "test", map[string]any{"metadata": map[string]any{"finalizers": names}})
	}
	finalizers([]string{"example.com/never"})
	defer finalizers(nil)
	web = b.resource("web", named("stays", ""))
	b.deployer.SetProject(resources(web))
	b.eventually("the service is being deleted", func() bool {
		return b.get("v1", "Service", "stuck").GetDeletionTimestamp() != nil
	})
	a, err := b.deployer.StartUpdate(b.request(web))
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the object is applied", func() bool { return strings.Contains(b.log(), "1 unchanged") })
	time.Sleep(time.Second) // It reads the inventory.
	a.Stop(0)
	<-a.Done()
	if strings.Contains(b.log(), "Pruning failed") {
		t.Error("stopped only once the other pruning had ended")
	}
}

// Two runs of one process share an inventory, and each has an object that the other one doesn't have.
func TestTwoRuns(t *testing.T) {
	b := newBench(t)
	both := NewProjects()
	one, two := b.another("shared", "ada", false), b.another("shared", "ada", false)
	one.options.Projects, two.options.Projects = both, both
	first, second := b.resource("web", named("first", "")), b.resource("web", named("second", ""))
	one.SetProject(resources(first))
	if end := b.run(one, first, false); end.Error != "" {
		t.Fatal(end.Error)
	}
	two.SetProject(resources(second))
	if end := b.run(two, second, false); end.Error != "" {
		t.Fatal(end.Error)
	}
	if !b.has("first") || !b.has("second") {
		t.Fatal("the second run pruned what the first one has")
	}
	one.Close(t.Context())
	if end := b.run(two, second, false); end.Error != "" {
		t.Fatal(end.Error)
	}
	if b.has("first") || !b.has("second") {
		t.Error("what no run has any more isn't pruned")
	}
}

// A custom deploy gets another name: its delete command would remove what the other one has applied.
func TestRenamedCustom(t *testing.T) {
	b := newBench(t)
	file := filepath.Join(t.TempDir(), "deleted")
	b.deployer.SetProject(resources(b.custom("web", "true", "touch "+file)))
	b.run(b.deployer, b.custom("web", "true", "touch "+file), false)
	b.deployer.SetProject(resources(b.custom("db", "true", "touch "+file)))
	b.deployer.Close(t.Context())
	if _, err := os.Stat(file); err == nil {
		t.Error("the delete command ran")
	}
}

// Someone who may not use ConfigMaps deploys and removes all the same, but nothing is pruned.
func TestWithoutInventory(t *testing.T) {
	b := newBench(t)
	rights := `
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: jane},
  rules: [{apiGroups: [""], resources: [services], verbs: ["*"]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: jane},
  subjects: [{kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}],
  roleRef: {kind: Role, name: jane, apiGroup: rbac.authorization.k8s.io}}`
	if end := b.run(b.deployer, b.resource("db", rights), false); end.Error != "" {
		t.Fatal(end.Error)
	}
	config, err := clientcmd.LoadFromFile(b.conn.Cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate, user.ImpersonateGroups = "jane", []string{"system:authenticated"}
	}
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	b.frozen = cluster.Freeze(cluster.Options{Kubeconfig: path, Directory: t.TempDir()})
	d := b.another("project", "jane", false)
	web := resources(b.resource("web", "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}"))
	d.SetProject(web)
	if end := b.run(d, b.resource("web", "{apiVersion: v1, kind: Service, metadata: {name: web}, "+
		"spec: {ports: [{port: 80}]}}"), false); end.Error != "" {
		t.Fatal(end.Error)
	}
	b.logged("What leaves the YAML won't be pruned")
	if err := d.Down(t.Context(), web, b.downOptions(false)); err != nil {
		t.Error(err)
	}
	if b.get("v1", "Service", "web") != nil {
		t.Error("the service is left")
	}
}
