// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"

	"tilt.dev/session/pkg/model"
)

// builtImages are outputs of images: each is in a registry and has a tag of its content.
func builtImages(names ...string) map[string]model.BuiltImage {
	built := map[string]model.BuiltImage{}
	for _, name := range names {
		repo, _, _ := strings.Cut(name, ":")
		built[name] = model.BuiltImage{Ref: repo + ":tilt-1", ClusterRef: "reg:5000/" + repo + ":tilt-1"}
	}
	return built
}

// injectBody injects into an object and returns it without its marks, as YAML.
func injectBody(t *testing.T, o model.Object, uses ...model.ImageUse) (string, error) {
	t.Helper()
	var names []string
	for _, u := range uses {
		names = append(names, u.Image)
	}
	before := runtime.DeepCopyJSON(o)
	objects, err := Inject([]model.Object{o}, uses, builtImages(names...), Mark{Resource: "r"})
	if diff := cmp.Diff(before, map[string]any(o)); diff != "" {
		t.Errorf("the input has changed: %s", diff)
	}
	if err != nil {
		return "", err
	}
	body := maps.Clone(objects[0])
	for _, key := range []string{"apiVersion", "kind", "metadata"} {
		delete(body, key)
	}
	for _, template := range PodTemplates(body) {
		delete(template, "metadata")
	}
	text, err := Encode([]model.Object{body})
	return string(text), err
}

func TestInject(t *testing.T) {
	at := func(path string) []model.ImageLocator { return []model.ImageLocator{{Path: path}} }
	repoAndTag := []model.ImageLocator{
		{Object: &model.ImageObject{Path: "{.spec.image}", RepoField: "repository", TagField: "tag"}},
	}
	for _, test := range []struct {
		name, kind, body, want, err string
		uses                        []model.ImageUse
	}{
		{
			name: "containers that run the image, and no others", kind: "apps/v1 Deployment",
			body: `
spec:
  template:
    spec:
      initContainers: [{name: i, image: "docker.io/library/web:v1"}]
      containers:
      - {name: c, image: web, imagePullPolicy: Always, command: [old], args: [old]}
      - {name: s, image: "redis:7", imagePullPolicy: Always, env: [{name: E, value: web}]}
      volumes: [{name: v, image: {reference: "web:v2"}}, {name: w, image: {reference: other}}]`,
			uses: []model.ImageUse{{Image: "web", Command: []string{"sh", "-c", "x"}}},
			want: `
spec:
  template:
    spec:
      initContainers:
      - {name: i, image: "reg:5000/web:tilt-1", imagePullPolicy: IfNotPresent, command: [sh, -c, x]}
      containers:
      - {name: c, image: "reg:5000/web:tilt-1", imagePullPolicy: IfNotPresent, command: [sh, -c, x], args: [old]}
      - {name: s, image: "redis:7", imagePullPolicy: Always, env: [{name: E, value: web}]}
      volumes:
      - {name: v, image: {reference: "reg:5000/web:tilt-1", pullPolicy: IfNotPresent}}
      - {name: w, image: {reference: other}}`,
		},
		{
			name: "a StatefulSet keeps its policy", kind: "apps/v1 StatefulSet",
			body: "spec: {podManagementPolicy: OrderedReady, template: {spec: {containers: [{image: web}]}}}",
			uses: []model.ImageUse{{Image: "web"}},
			want: "spec: {podManagementPolicy: OrderedReady, template: {spec: {containers: " +
				"[{image: 'reg:5000/web:tilt-1', imagePullPolicy: IfNotPresent}]}}}",
		},
		{
			name: "env", kind: "v1 Pod",
			body: "spec: {containers: [{image: op, env: [{name: A, value: 'web:x'}, {name: B, value: web it}]}]}",
			uses: []model.ImageUse{{Image: "web", MatchInEnvVars: true, Args: []string{}}},
			want: "spec: {containers: [{image: op, env: [{name: A, value: 'reg:5000/web:tilt-1'}, {name: B, value: web it}]}]}",
		},
		{
			name: "env that doesn't count", kind: "v1 Pod",
			body: "spec: {containers: [{image: op, env: [{name: A, value: web}]}]}",
			uses: []model.ImageUse{{Image: "web"}}, err: "Docker image missing from yaml: web",
		},
		{
			name: "args", kind: "v1 Pod", body: "spec: {containers: [{image: web, command: [a], args: [b]}]}",
			uses: []model.ImageUse{{Image: "web", Args: []string{}}},
			want: "spec: {containers: [{image: 'reg:5000/web:tilt-1', imagePullPolicy: IfNotPresent, command: [a], args: []}]}",
		},
		{
			name: "two tags of a name", kind: "v1 Pod", body: "spec: {containers: [{image: 'web:a'}, {image: 'web:b'}, {image: 'web:c'}]}",
			uses: []model.ImageUse{{Image: "web:a", MatchExact: true}, {Image: "web:b", MatchExact: true, Command: []string{"b"}}},
			want: "spec: {containers: [{image: 'reg:5000/web:tilt-1', imagePullPolicy: IfNotPresent}, " +
				"{image: 'reg:5000/web:tilt-1', imagePullPolicy: IfNotPresent, command: [b]}, {image: 'web:c'}]}",
		},
		{
			name: "another tag", kind: "v1 Pod", body: "spec: {containers: [{image: 'web:prod'}]}",
			uses: []model.ImageUse{{Image: "web:dev", MatchExact: true}}, err: "Docker image missing from yaml: web:dev",
		},
		{
			name: "a reference isn't replaced twice", kind: "v1 Pod", body: "spec: {containers: [{image: web}, {image: 'reg:5000/web'}]}",
			uses: []model.ImageUse{{Image: "web"}, {Image: "reg:5000/web"}},
			want: "spec: {containers: [{image: 'reg:5000/web:tilt-1', imagePullPolicy: IfNotPresent}, " +
				"{image: 'reg:5000/reg:tilt-1', imagePullPolicy: IfNotPresent}]}",
		},
		{
			name: "paths", kind: "a.b/v1 Widget",
			body: "spec: {image: web, list: [web, other], maps: [{name: a, image: 'web:1'}, {name: b, image: web}], all: {x: {image: web}}}",
			uses: []model.ImageUse{{Image: "web", Locators: []model.ImageLocator{
				{Path: "{.spec.image}"}, {Path: "{.spec.list[*]}"}, {Path: "{.spec.maps[?(@.name=='a')].image}"},
				{Path: "{.spec.all..image}"}, {Selector: model.ObjectSelector{Kind: "Gadget"}, Path: "{.kind}"},
			}}},
			want: "spec: {image: 'reg:5000/web:tilt-1', list: ['reg:5000/web:tilt-1', other], " +
				"maps: [{name: a, image: 'reg:5000/web:tilt-1'}, {name: b, image: web}], all: {x: {image: 'reg:5000/web:tilt-1'}}}",
		},
		{
			name: "an annotation", kind: "v1 ConfigMap", body: "data: {a.b/image: web}",
			uses: []model.ImageUse{{Image: "web", Locators: at(`{.data.a\.b/image}`)}},
			want: "data: {a.b/image: 'reg:5000/web:tilt-1'}",
		},
		{
			name: "an image object", kind: "a.b/v1 Widget", body: "spec: {image: {repository: web, tag: v1, policy: x}}",
			uses: []model.ImageUse{{Image: "web", Locators: repoAndTag}},
			want: "spec: {image: {repository: reg:5000/web, tag: tilt-1, policy: x}}",
		},
		{
			name: "containers of a custom resource", kind: "a.b/v1 Rollout", body: "spec: {template: {spec: {containers: [{image: web}]}}}",
			uses: []model.ImageUse{{Image: "web", Command: []string{"x"}}},
			want: "spec: {template: {spec: {containers: [{image: 'reg:5000/web:tilt-1', imagePullPolicy: IfNotPresent, command: [x]}]}}}",
		},
		{
			name: "an entrypoint without containers", kind: "a.b/v1 Widget", body: "spec: {image: web}",
			uses: []model.ImageUse{{Image: "web", Command: []string{"x"}, Locators: at(".spec.image")}},
			err:  `entrypoint or container_args of image "web": Widget x has no containers`,
		},
		{
			name: "a path to something else", kind: "a.b/v1 Widget", body: "spec: {image: [web]}",
			uses: []model.ImageUse{{Image: "web", Locators: at(".spec.image")}}, err: `JSONPath ".spec.image" leads to a list`,
		},
		{
			name: "a wrong path", kind: "a.b/v1 Widget",
			uses: []model.ImageUse{{Image: "web", Locators: at("")}}, err: `image "web": JSONPath ""`,
		},
		{name: "a wrong name", kind: "v1 Pod", uses: []model.ImageUse{{Image: "We B"}}, err: `image "We B": can't parse`},
		{name: "wrong labels", kind: "apps/v1 Deployment", body: "spec: {template: {metadata: {labels: [a]}}}",
			err: "Deployment x: labels is a list, expected a map"},
		{name: "wrong metadata", kind: "apps/v1 Deployment", body: "spec: {template: {metadata: text}}",
			err: `Deployment x: metadata is the string "text", expected a map`},
	} {
		t.Run(test.name, func(t *testing.T) {
			apiVersion, kind, _ := strings.Cut(test.kind, " ")
			got, err := injectBody(t, object(t, apiVersion, kind, "x", test.body), test.uses...)
			wantError(t, err, test.err)
			if test.err != "" {
				return
			}
			want, err := Encode([]model.Object{withoutID(object(t, apiVersion, kind, "x", test.want))})
			if diff := cmp.Diff(string(want), got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	_, err := Inject(nil, []model.ImageUse{{Image: "web"}}, nil, Mark{})
	wantError(t, err, `image "web" has no reference for the cluster`)
}

// withoutID removes what identifies an object.
func withoutID(o model.Object) model.Object {
	delete(o, "apiVersion")
	delete(o, "kind")
	delete(o, "metadata")
	return o
}

func TestMarks(t *testing.T) {
	objects := parse(t, `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, labels: {app.kubernetes.io/managed-by: Helm}, annotations: null}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: db}]}
  volumeClaimTemplates: [{metadata: {name: data}}]
---
{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: p}]}}
---
{apiVersion: a.b/v1, kind: Rollout, metadata: {name: r}, spec: {template: {spec: {containers: [{name: c, image: p}]}}}}
`)
	mark := Mark{Resource: "db", Annotations: map[string]string{"session.tilt.dev/inventory": "me"}}
	inject := func(mark Mark, objects []model.Object) []model.Object {
		t.Helper()
		injected, err := Inject(objects, nil, nil, mark)
		if err != nil {
			t.Fatal(err)
		}
		return injected
	}
	injected := inject(mark, objects)
	hash := podTemplateHash(mapAt(objects[0], "spec", "template"))
	if diff := cmp.Diff([]string{hash}, PodTemplateHashes(injected)); diff != "" || len(hash) != 20 {
		t.Error("only the pod template of the StatefulSet has a hash", diff)
	}
	annotations := `{"session.tilt.dev/resource": db, "session.tilt.dev/inventory": me}`
	want := parse(t, `
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
  labels: {app.kubernetes.io/managed-by: Helm, "session.tilt.dev/resource": db}
  annotations: `+annotations+`
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db, tilt.dev/pod-template-hash: "`+hash+`"}}
    spec: {containers: [{name: c, image: db}]}
  volumeClaimTemplates: [{metadata: {name: data}}]
---
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {"session.tilt.dev/resource": db}, annotations: `+annotations+`}
spec: {containers: [{name: c, image: p}]}
---
apiVersion: a.b/v1
kind: Rollout
metadata: {name: r, labels: {"session.tilt.dev/resource": db}, annotations: `+annotations+`}
spec: {template: {spec: {containers: [{name: c, image: p}]}}}
`)
	if diff := cmp.Diff(want, injected); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(injected, inject(mark, injected)); diff != "" {
		t.Error("marks of marked objects have changed", diff)
	}
	renamed := inject(Mark{Resource: "other name"}, objects)
	if PodTemplateHashes(renamed)[0] != hash || stringsAt(mapAt(renamed[1], "metadata"), "annotations")[ResourceKey] != "other name" {
		t.Error("another name must not change pods")
	}
}

func TestResourceLabel(t *testing.T) {
	for _, name := range []string{"web", "web.api_v1-x"} {
		if got := resourceLabel(name); got != name {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for _, name := range []string{"web:deployment", "my web", strings.Repeat("a", 64), "(web)"} {
		if got := resourceLabel(name); len(got) != 20 || got == resourceLabel(name+"x") {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
