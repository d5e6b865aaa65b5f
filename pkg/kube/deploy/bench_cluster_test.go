//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// These tests run against the cluster that KUBECONFIG names, with controllers and one node.
package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/cluster"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

// image is one that the node has.
var image = os.Getenv("TEST_IMAGE")

// bench is a namespace of its own with a Deployer.
type bench struct {
	t         *testing.T
	namespace string
	frozen    *cluster.Frozen
	conn      *cluster.Connection
	deployer  *Deployer
	store     *logs.Store
	timeout   time.Duration
	apply     model.ApplyMode
}

func newBench(t *testing.T) *bench {
	test := strings.ToLower(strings.ReplaceAll(t.Name()[4:], "/", "-"))
	name := fmt.Sprintf("deploytest-%s-%04d", test, time.Now().UnixNano()%10000)
	frozen := cluster.Freeze(cluster.Options{Namespace: name, Directory: t.TempDir()})
	conn, err := frozen.Connection()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		t: t, namespace: name, frozen: frozen, conn: conn, store: logs.New(1<<20, clock.RealClock{}),
		timeout: 30 * time.Second, apply: model.ApplyAuto,
	}
	ctx := t.Context()
	_, err = conn.Core.Namespaces().Create(ctx, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}},
		metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.deployer = b.another("project-"+name, "ada", false)
	t.Cleanup(func() {
		_ = conn.Core.Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{})
		if t.Failed() {
			t.Log(b.log())
		}
		_ = frozen.Close()
	})
	return b
}

func (b *bench) another(project, owner string, noPrune bool) *Deployer {
	runner, err := process.New(process.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	d := New(Options{
		Connect: b.frozen.Connection, Start: runner.Start, Project: project, Owner: owner, NoPrune: noPrune,
		Log: engine.NewLog(b.store, model.TiltfileResource),
	})
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		d.Close(ctx)
		_ = runner.Close()
	})
	return d
}

func (b *bench) log() string {
	var text strings.Builder
	for _, source := range []string{"web", "db", model.TiltfileResource} {
		for _, line := range b.store.Tail(source, 1000) {
			fmt.Fprintf(&text, "%s │ %s\n", source, line.Text)
		}
	}
	return text.String()
}

// resource is a deploy of YAML, in which NS is the namespace and IMAGE the image.
func (b *bench) resource(name, yaml string) *model.Deploy {
	b.t.Helper()
	yaml = strings.NewReplacer("NS", b.namespace, "IMAGE", image).Replace(yaml)
	objects, err := manifest.Parse([]byte(yaml))
	if err != nil {
		b.t.Fatal(err)
	}
	return &model.Deploy{
		Resource: name, Cluster: b.conn.Cluster, Objects: objects, Timeout: b.timeout, Apply: b.apply,
	}
}

func (b *bench) run(d *Deployer, deploy *model.Deploy, requested bool) engine.End {
	b.t.Helper()
	a, err := d.StartUpdate(engine.UpdateRequest{
		Task: deploy.Resource, Update: deploy, Log: engine.NewLog(b.store, deploy.Resource), Requested: requested,
		Environ: os.Environ(),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	<-a.Done()
	return a.End()
}

// deploy applies YAML as the only resource of the project, and expects success.
func (b *bench) deploy(yaml string) Applied {
	b.t.Helper()
	r := b.resource("web", yaml)
	b.deployer.SetProject(resources(r))
	end := b.run(b.deployer, r, false)
	if end.Error != "" {
		b.t.Fatalf("deploy failed: %s", end.Error)
	}
	return end.Output.(Applied)
}

// refused expects an error with a text.
func (b *bench) refused(yaml, text string) {
	b.t.Helper()
	end := b.run(b.deployer, b.resource("web", yaml), false)
	if !strings.Contains(end.Error, text) {
		b.t.Fatalf("error %q lacks %q", end.Error, text)
	}
}

func (b *bench) logged(text string) {
	b.t.Helper()
	if !strings.Contains(b.log(), text) {
		b.t.Fatalf("the log lacks %q", text)
	}
}

func (b *bench) get(apiVersion, kind, name string) *unstructured.Unstructured {
	b.t.Helper()
	client, _, err := b.conn.Resource(b.t.Context(), schema.FromAPIVersionAndKind(apiVersion, kind), b.namespace)
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := client.Get(b.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

// eventually polls a condition.
func (b *bench) eventually(what string, condition func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("timed out waiting until %s", what)
		}
	}
}

func (b *bench) patch(apiVersion, kind, name, manager string, patch any) {
	b.t.Helper()
	data, err := json.Marshal(patch)
	if err != nil {
		b.t.Fatal(err)
	}
	client, _, err := b.conn.Resource(b.t.Context(), schema.FromAPIVersionAndKind(apiVersion, kind), b.namespace)
	if err == nil {
		_, err = client.Patch(b.t.Context(), name, types.MergePatchType, data, metav1.PatchOptions{FieldManager: manager})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) deleteObject(apiVersion, kind, name string) {
	b.t.Helper()
	client, _, err := b.conn.Resource(b.t.Context(), schema.FromAPIVersionAndKind(apiVersion, kind), b.namespace)
	if err == nil {
		err = client.Delete(b.t.Context(), name, metav1.DeleteOptions{})
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) downOptions(namespaces bool) DownOptions {
	return DownOptions{
		DeleteNamespaces: namespaces, Environ: os.Environ(), Log: engine.NewLog(b.store, model.TiltfileResource),
	}
}

// resources are deploys as resources.
func resources(deploys ...*model.Deploy) (all []model.Resource) {
	for _, d := range deploys {
		all = append(all, model.Resource{Name: d.Resource, Update: d})
	}
	return all
}
