//go:build cluster

// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/model"
)

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: web, image: IMAGE, imagePullPolicy: IfNotPresent}]
`

const configMap = `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}
`

func TestRepeatChangesNothing(t *testing.T) {
	b := newBench(t)
	first := b.deploy(web + "---" + configMap)
	if len(first.Objects) != 2 || len(first.TemplateHashes) != 1 || first.Objects[0].GetUID() == "" {
		t.Fatalf("output %+v", first)
	}
	b.logged("→ web:deployment created")
	second := b.deploy(web + "---" + configMap)
	b.logged("2 unchanged")
	if second.Objects[1].GetGeneration() != 1 {
		t.Fatal("another generation")
	}
}

func TestConflict(t *testing.T) {
	b := newBench(t)
	b.deploy(web)
	b.patch("apps/v1", "Deployment", "web", "someone", map[string]any{"spec": map[string]any{"replicas": 2}})
	b.deploy(web)
	b.logged(`took .spec.replicas from "someone"`)
}

func TestDefinitionAndResource(t *testing.T) {
	b := newBench(t)
	yaml := `
apiVersion: test.example/v1
kind: KIND
metadata: {name: one}
spec: {size: 1}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.test.example}
spec:
  group: test.example
  scope: Namespaced
  names: {plural: PLURAL, singular: SINGULAR, kind: KIND, listKind: KINDList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}
`
	kind := "Thing" + b.namespace[len(b.namespace)-3:]
	singular := strings.ToLower(kind)
	yaml = strings.NewReplacer("KIND", kind, "PLURAL", singular+"s", "SINGULAR", singular).Replace(yaml)
	b.deploy(yaml)
	if b.get("test.example/v1", kind, "one") == nil {
		t.Fatal("no object")
	}
	b.deploy(strings.Replace(yaml, "size: 1", "size: 2", 1))
	b.refused(strings.Replace(yaml[:strings.Index(yaml, "---")], kind, "Unknown", 1), "knows no kind Unknown")
	err := b.deployer.Down(t.Context(), resources(b.resource("web", yaml)), b.downOptions(false))
	if err != nil {
		t.Fatal(err)
	}
	if b.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", strings.ToLower(kind)+"s.test.example") != nil {
		t.Fatal("the definition is left")
	}
}

const database = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: db, image: IMAGE, imagePullPolicy: IfNotPresent}]
`

func TestImmutable(t *testing.T) {
	for _, mode := range []model.ApplyMode{model.ApplyServerSide, model.ApplyClientSide} {
		t.Run(string(mode), func(t *testing.T) { testImmutable(t, mode) })
	}
}

func testImmutable(t *testing.T, mode model.ApplyMode) {
	b := newBench(t)
	b.apply = mode
	first := b.deploy(database)
	second := b.deploy(strings.Replace(database, "serviceName: db", "serviceName: other", 1))
	b.logged("db:statefulset is deleted and created again: spec: ")
	if first.Objects[0].GetUID() == second.Objects[0].GetUID() {
		t.Fatal("the StatefulSet wasn't replaced")
	}
	// What is wrong in a new object too deletes nothing.
	b.refused(strings.Replace(strings.Replace(database, "serviceName: db", "serviceName: third", 1),
		"app: db}}\n    spec", "app: wrong}}\n    spec", 1), "selector")
	if o := b.get("apps/v1", "StatefulSet", "db"); o.GetUID() != second.Objects[0].GetUID() {
		t.Fatal("the StatefulSet was replaced by a wrong one")
	}
}

func TestIrreplaceable(t *testing.T) {
	b := newBench(t)
	secret := `
apiVersion: v1
kind: Secret
metadata: {name: s}
immutable: true
stringData: {a: "1"}
`
	b.deploy(secret)
	b.refused(strings.Replace(secret, `"1"`, `"2"`, 1), "a Secret isn't deleted and created again by itself")
}

const job = `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{name: migrate, image: "IMAGE", imagePullPolicy: IfNotPresent}]
`

func TestJobReplaced(t *testing.T) {
	b := newBench(t)
	first := b.deploy(job)
	b.deploy(job)
	b.logged("1 unchanged")
	changed := strings.Replace(job, "name: migrate, image", "name: other, image", 1)
	second := b.deploy(changed)
	if first.Objects[0].GetUID() == second.Objects[0].GetUID() {
		t.Fatal("the Job wasn't replaced")
	}
	b.logged("migrate:job is deleted and created again: spec.template: ")
}

func TestTrigger(t *testing.T) {
	b := newBench(t)
	missing := strings.NewReplacer(`"IMAGE"`, "no-such-image.invalid/x:1", "backoffLimit: 0",
		"activeDeadlineSeconds: 1\n  backoffLimit: 0").Replace(job)
	yaml := web + "---" + missing + "---" + configMap
	first := b.deploy(yaml)
	b.eventually("the Job has failed", func() bool {
		conditions, _, _ := unstructured.NestedSlice(b.get("batch/v1", "Job", "migrate").Object, "status", "conditions")
		for _, c := range conditions {
			if c.(map[string]any)["type"] == "Failed" {
				return true
			}
		}
		return false
	})
	end := b.run(b.deployer, b.resource("web", yaml), true)
	if end.Error != "" {
		t.Fatal(end.Error)
	}
	b.logged("→ web:deployment restarted")
	b.logged("→ migrate:job replaced")
	for i, o := range end.Output.(Applied).Objects {
		same := o.GetUID() == first.Objects[i].GetUID()
		if same == (o.GetKind() == "Job") {
			t.Errorf("%s %s: same object: %v", o.GetKind(), o.GetName(), same)
		}
	}
	generation := b.get("apps/v1", "Deployment", "web").GetGeneration()
	b.deploy(yaml)
	if now := b.get("apps/v1", "Deployment", "web").GetGeneration(); now != generation {
		t.Fatal("the next deploy removed the annotation of the restart")
	}
}

func TestBeingDeleted(t *testing.T) {
	b := newBench(t)
	b.deploy(configMap)
	b.patch("v1", "ConfigMap", "settings", "test", map[string]any{
		"metadata": map[string]any{"finalizers": []string{"example.com/slow"}}})
	b.deleteObject("v1", "ConfigMap", "settings")
	released := time.AfterFunc(time.Second, func() {
		b.patch("v1", "ConfigMap", "settings", "test", map[string]any{"metadata": map[string]any{"finalizers": nil}})
	})
	defer released.Stop()
	b.deploy(configMap)
	b.logged("settings:configmap is being deleted; waiting until it's gone")
}

func TestNamespace(t *testing.T) {
	b := newBench(t)
	// Ours, one that was there before, and an object within ours.
	yaml := `
apiVersion: v1
kind: Namespace
metadata: {name: NS-new}
---
apiVersion: v1
kind: Namespace
metadata: {name: NS}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: inner, namespace: NS-new}
`
	b.deploy(yaml)
	b.refused(strings.Replace(configMap, "settings}", "settings, namespace: nowhere}", 1),
		"kubectl create namespace nowhere")
	options := b.downOptions(false)
	if err := b.deployer.Down(t.Context(), resources(b.resource("web", yaml)), options); err != nil {
		t.Fatal(err)
	}
	b.logged("Not deleting " + b.namespace + "-new:namespace: namespaces are only deleted by")
	options.DeleteNamespaces = true
	if err := b.deployer.Down(t.Context(), resources(b.resource("web", yaml)), options); err != nil {
		t.Fatal(err)
	}
	b.logged("Not deleting " + b.namespace + ":namespace: it isn't marked")
	if b.get("v1", "Namespace", b.namespace+"-new") != nil {
		t.Fatal("our namespace is left")
	}
}

func TestQuota(t *testing.T) {
	b := newBench(t)
	b.deploy(`
apiVersion: v1
kind: ResourceQuota
metadata: {name: q}
spec: {hard: {count/configmaps: "1"}}
`)
	b.eventually("the quota is counted", func() bool {
		_, found, _ := unstructured.NestedMap(b.get("v1", "ResourceQuota", "q").Object, "status", "used")
		return found
	})
	b.refused(configMap, "exceeded quota: q")
}

func TestUnknownField(t *testing.T) {
	b := newBench(t)
	b.deploy(configMap + "unknown: 1\n")
	b.logged(`unknown field "unknown"`)
	t.Log(b.log())
	b.apply = model.ApplyClientSide
	b.deploy(configMap + "unknown: 1\n")
}

func TestClientSide(t *testing.T) {
	b := newBench(t)
	b.apply = model.ApplyClientSide
	b.deploy(configMap)
	b.deploy(strings.Replace(configMap, "{a:", "{b:", 1))
	data, _, _ := unstructured.NestedStringMap(b.get("v1", "ConfigMap", "settings").Object, "data")
	if len(data) != 1 || data["b"] != "1" {
		t.Fatalf("data %v", data)
	}
	b.deploy(strings.Replace(configMap, "{a:", "{b:", 1))
	b.logged("1 unchanged")
	large := strings.Replace(configMap, `"1"`, `"`+strings.Repeat("x", 300<<10)+`"`, 1)
	b.deploy(large)
	b.deploy(strings.Replace(large, "{a:", "{c:", 1))
	// What client-side apply has set leaves the object with server-side apply, too.
	b.deploy(configMap)
	b.apply = model.ApplyAuto
	b.deploy(strings.Replace(configMap, "{a:", "{d:", 1))
	data, _, _ = unstructured.NestedStringMap(b.get("v1", "ConfigMap", "settings").Object, "data")
	if len(data) != 1 || data["d"] != "1" {
		t.Fatalf("data %v", data)
	}
}
