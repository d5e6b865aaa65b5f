// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/model"
)

const seed = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {a: b}}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: web, env: [{name: E, value: web}]}], volumes: [{image: {reference: web}}]}
---
{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {app: web}}}]}
---
{apiVersion: a.b/v1, kind: Widget, metadata: {name: w}, spec: {images: [{image: web}], of: {repo: web, tag: v1}}}
`

// FuzzParse: what is read is written and read again without a difference.
func FuzzParse(f *testing.F) {
	f.Add([]byte(seed))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("%YAML 1.1\n--- # c\n...\n---\n"))
	f.Add([]byte(`{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		objects, err := Parse(text)
		if err != nil {
			return
		}
		encoded, err := Encode(objects)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(encoded)
		if err != nil {
			t.Fatalf("%v: %s", err, encoded)
		}
		if diff := cmp.Diff(objects, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzPick: the fragment that an object is shown with identifies it.
func FuzzPick(f *testing.F) {
	f.Add("web", "web", "dev")
	f.Add(`a\:b:role`, "a:b", "")
	f.Fuzz(func(t *testing.T, fragment, name, namespace string) {
		if !utf8.ValidString(name + namespace) {
			return
		}
		o := model.Object{"kind": "Role", "metadata": map[string]any{"name": name, "namespace": namespace}}
		_, _ = Pick(fragment, []model.Object{o}, func(int) bool { return true })
		if _, err := Pick(fragmentOf(o), []model.Object{o}, func(int) bool { return true }); err != nil && name != "" {
			t.Error(err)
		}
	})
}

// FuzzInject: whatever the objects, the paths and the names, the input stays as it was, and another deploy of what was
// deployed makes the same pods.
func FuzzInject(f *testing.F) {
	f.Add(seed, "web", "{.spec.images[*].image}", "{.spec.of}", "repo", "tag")
	f.Add(seed, "web:v1", "..image", ".spec", "of", "of")
	f.Add(seed, "web", ".spec.images[?(@.image=='web')].image", "$['spec']['of']", "", "")
	f.Fuzz(func(t *testing.T, text, image, path, objectPath, repo, tag string) {
		objects, err := Parse([]byte(text))
		if err != nil {
			return
		}
		var before []model.Object
		for _, o := range objects {
			before = append(before, runtime.DeepCopyJSON(o))
			_, _ = IsWorkload(o, DefaultKinds(), nil, nil)
		}
		uses := []model.ImageUse{{Image: image, MatchInEnvVars: true, Command: []string{"a"}, Locators: []model.ImageLocator{
			{Path: path}, {Object: &model.ImageObject{Path: objectPath, RepoField: repo, TagField: tag}},
		}}}
		_ = ServicesOf(objects, objects)
		_ = ApplyOrder(objects)
		injected, err := Inject(objects, uses, map[string]model.BuiltImage{image: {ClusterRef: "r/x:t"}}, Mark{Resource: image})
		if diff := cmp.Diff(before, objects); diff != "" {
			t.Fatal(diff)
		}
		if err != nil {
			return
		}
		again, err := Inject(injected, nil, nil, Mark{Resource: "other"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(PodTemplateHashes(injected), PodTemplateHashes(again)); diff != "" {
			t.Fatal(diff)
		}
	})
}
