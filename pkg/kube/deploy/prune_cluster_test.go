//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/model"
)

// named is the ConfigMap of the tests with another name, and annotations.
func named(name, annotations string) string {
	return "---" + strings.Replace(configMap, "name: settings", "name: "+name+", annotations: {"+annotations+"}", 1)
}

func (b *bench) has(name string) bool { return b.get("v1", "ConfigMap", name) != nil }

func TestPrune(t *testing.T) {
	b := newBench(t)
	b.deploy(web + named("one", "") + named("two", DownPolicyKey+": keep") + named("three", "") + named("four", ""))
	// Another one has taken an object, and a person has removed the mark of another.
	b.patch("v1", "ConfigMap", "three", "test", map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{InventoryKey: "someone/else"}}})
	b.patch("v1", "ConfigMap", "four", "test", map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{InventoryKey: nil}}})
	b.deploy(web)
	if b.has("one") || !b.has("two") || !b.has("three") || !b.has("four") {
		t.Fatal("pruned the wrong objects")
	}
	b.logged("→ one:configmap:" + b.namespace)
	entries, err := b.deployer.inventory.read(t.Context(), b.conn, nil)
	if err != nil || len(entries) != 1 || entries[0].Name != "web" {
		t.Fatalf("inventory %v, %v", entries, err)
	}
}

// A later run prunes what an earlier one has applied, moved objects stay, and so do those of resources that don't run.
func TestPruneBetweenRuns(t *testing.T) {
	b := newBench(t)
	project := "project-" + b.namespace
	first := []*model.Deploy{
		b.resource("web", named("a", "")), b.resource("db", named("b", "")+named("moved", "")),
		b.resource("disabled", named("c", "")),
	}
	for _, r := range first {
		if end := b.run(b.deployer, r, false); end.Error != "" {
			t.Fatal(end.Error)
		}
	}
	keeping := b.another(project, "ada", true)
	keeping.SetProject(nil)
	other := b.another(project, "bob", false)
	other.SetProject(resources(b.resource("web", named("z", ""))))
	other.Close(t.Context())

	later := b.another(project, "ada", false)
	later.SetProject(resources(b.resource("web", named("moved", "")), b.resource("disabled", named("c", ""))))
	b.eventually("the object of a resource that is gone is pruned", func() bool { return !b.has("b") })
	if !b.has("moved") || !b.has("a") || !b.has("c") {
		t.Fatal("pruned too much")
	}
	if end := b.run(later, b.resource("web", named("moved", "")), false); end.Error != "" {
		t.Fatal(end.Error)
	}
	if b.has("a") || !b.has("moved") || !b.has("c") {
		t.Fatal("pruned the wrong objects after a deploy")
	}
}

// Another owner takes over an object; then the first one removes nothing of it.
func TestTwoOwners(t *testing.T) {
	b := newBench(t)
	b.deploy(configMap + named("mine", ""))
	bob := b.another("project-"+b.namespace, "bob", false)
	if end := b.run(bob, b.resource("db", configMap), false); end.Error != "" {
		t.Fatal(end.Error)
	}
	b.logged(`settings:configmap was deployed by "ada/`)
	err := b.deployer.Down(t.Context(), resources(b.resource("web", configMap)), b.downOptions(true))
	if err != nil {
		t.Fatal(err)
	}
	if !b.has("settings") || b.has("mine") {
		t.Fatal("down deleted the wrong objects")
	}
}

func TestDown(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	custom := b.custom("chart", "true", "echo gone > "+dir+"/deleted")
	project := resources(b.resource("db", database), b.resource("web", web+named("stuck", "")), custom)
	project[1].ResourceDeps = []string{"db"}
	for _, r := range project[:2] {
		if end := b.run(b.deployer, r.Update.(*model.Deploy), false); end.Error != "" {
			t.Fatal(end.Error)
		}
	}
	b.patch("v1", "ConfigMap", "stuck", "test", map[string]any{
		"metadata": map[string]any{"finalizers": []string{"example.com/never"}}})
	released := time.AfterFunc(3*time.Second, func() {
		b.patch("v1", "ConfigMap", "stuck", "test", map[string]any{"metadata": map[string]any{"finalizers": nil}})
	})
	defer released.Stop()
	if err := b.deployer.Down(t.Context(), project, b.downOptions(false)); err != nil {
		t.Fatal(err)
	}
	if b.get("apps/v1", "StatefulSet", "db") != nil || b.get("apps/v1", "Deployment", "web") != nil || b.has("stuck") {
		t.Fatal("something is left")
	}
	log := b.log()
	if strings.Index(log, "→ web:deployment:") > strings.Index(log, "→ db:statefulset:") {
		t.Fatal("wrong order:\n" + log)
	}
	if _, err := os.Stat(dir + "/deleted"); err != nil {
		t.Fatal(err)
	}
	if b.has(b.deployer.inventory.name) {
		t.Fatal("the inventory is left")
	}
}

// A deletion that doesn't end is an error that says why.
func TestDownLeaves(t *testing.T) {
	b := newBench(t)
	b.deploy(configMap)
	finalizers := func(names []string) {
		b.patch("v1", "ConfigMap", "settings", "test", map[string]any{"metadata": map[string]any{"finalizers": names}})
	}
	finalizers([]string{"example.com/never"})
	defer finalizers(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := b.deployer.Down(ctx, resources(b.resource("web", configMap)), b.downOptions(false))
	if err == nil || !strings.Contains(err.Error(), "waits for finalizers: example.com/never") {
		t.Fatal(err)
	}
}

// custom is a custom deploy.
func (b *bench) custom(name, apply, remove string) *model.Deploy {
	return &model.Deploy{
		Resource: name, Cluster: b.conn.Cluster, Timeout: b.timeout, Images: []model.ImageUse{{Image: "img"}},
		Custom: &model.CustomDeploy{Apply: *model.ShellCommand(apply), Delete: *model.ShellCommand(remove)},
	}
}

func TestCustom(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	file := dir + "/object.yaml"
	if err := os.WriteFile(file, []byte(configMap), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ apply, want string }{
		{"kubectl apply -f " + file + " -o yaml; echo image $TILT_IMAGE_0 of $TILT_IMAGE_MAP_0 >&2", ""},
		{"", ""},
		{"echo out; exit 3", "apply command exited with status 3\nstdout:\nout"},
		{"kubectl apply -f " + file + " -o yaml --dry-run=client | grep -v uid", "without metadata.uid"},
		{"echo '{'", "printed malformed YAML"},
		{"sleep 60", "timed out after 2s"},
	} {
		b.timeout = 2 * time.Second
		if strings.HasPrefix(c.apply, "kubectl") {
			b.timeout = 30 * time.Second
		}
		deploy := b.custom("web", c.apply+"\n:", "touch "+dir+"/deleted")
		if c.apply == "" {
			deploy = b.custom("web", "true", "touch "+dir+"/deleted")
		}
		b.deployer.SetProject(resources(deploy))
		a, err := b.deployer.StartUpdate(b.request(deploy))
		if err != nil {
			t.Fatal(err)
		}
		<-a.Done()
		if end := a.End(); (end.Error == "") != (c.want == "") || !strings.Contains(end.Error, c.want) {
			t.Errorf("%s: error %q, want %q", c.apply, end.Error, c.want)
		}
		if objects := a.End().Output; strings.HasSuffix(c.apply, ">&2") && len(objects.(Applied).Objects) != 1 {
			t.Errorf("objects %v", objects)
		}
	}
	b.logged("image cluster/img:1 of img")
	if !b.has("settings") {
		t.Fatal("not applied in the namespace of the kubeconfig")
	}
	b.deployer.SetProject(resources(b.resource("db", configMap)))
	b.eventually("the delete command ran", func() bool {
		_, err := os.Stat(dir + "/deleted")
		return err == nil
	})
}

func (b *bench) request(deploy *model.Deploy) engine.UpdateRequest {
	return engine.UpdateRequest{
		Task: deploy.Resource, Update: deploy, Environ: os.Environ(), Log: engine.NewLog(b.store, deploy.Resource),
		Images: map[string]model.BuiltImage{"img": {Ref: "img:1", ClusterRef: "cluster/img:1"}},
	}
}

// Many deploys of two processes write one inventory.
func TestConcurrentInventory(t *testing.T) {
	b := newBench(t)
	project := "project-" + b.namespace
	deployers := []*Deployer{b.another(project, "ada", false), b.another(project, "ada", false)}
	var group sync.WaitGroup
	const each = 20
	begin := time.Now()
	for i, d := range deployers {
		for n := range each {
			group.Go(func() {
				name := fmt.Sprintf("r-%d-%d", i, n)
				if end := b.run(d, b.resource(name, named(name, "")), false); end.Error != "" {
					t.Error(end.Error)
				}
			})
		}
	}
	group.Wait()
	t.Logf("%d deploys: %v", 2*each, time.Since(begin))
	entries, err := b.deployer.inventory.read(t.Context(), b.conn, nil)
	if err != nil || len(entries) != 2*each {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// Many objects of one deploy, and a stop in the middle.
func TestManyAndStop(t *testing.T) {
	b := newBench(t)
	var yaml strings.Builder
	for n := range 300 {
		yaml.WriteString(named(fmt.Sprintf("m-%d", n), ""))
	}
	begin := time.Now()
	b.deploy(yaml.String())
	t.Logf("300 objects: %v", time.Since(begin))
	begin = time.Now()
	b.deploy(yaml.String())
	t.Logf("again: %v", time.Since(begin))
	a, err := b.deployer.StartUpdate(b.request(b.resource("web", yaml.String())))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { a.Stop(time.Second) })
	<-a.Done()
	if a.End().Error != "the deploy was stopped" {
		t.Errorf("end %+v", a.End().Error)
	}
	begin = time.Now()
	b.deploy(configMap)
	t.Logf("pruned: %v", time.Since(begin))
	if b.has("m-7") {
		t.Error("not pruned")
	}
}
