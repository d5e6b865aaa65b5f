// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// TestPositions checks where resources and images are defined: by the call of the builtin, also in a loaded file.
func TestPositions(t *testing.T) {
	const source = `load('lib', 'make')
local_resource('job', cmd='true')
make('loaded')
docker_build('web', '.', dockerfile_contents='FROM scratch')
objects = blob("""
apiVersion: v1
kind: Pod
metadata: {name: pod}
spec: {containers: [{name: a, image: web}]}
---
apiVersion: v1
kind: Pod
metadata: {name: named}
spec: {containers: [{name: a, image: b}]}
""")
k8s_yaml(objects)
k8s_resource('named', labels='x')
k8s_custom_deploy('custom', 'true', 'true', [])
docker_compose(encode_yaml({'name': 'p', 'services': {'db': {'image': 'db'}}}))
`
	options := tiltfile(t, source)
	lib := filepath.Join(filepath.Dir(options.Path), "lib")
	if err := os.WriteFile(lib, []byte("\ndef make(name):\n    local_resource(name, serve_cmd='x')\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	options.Cluster = func() (*model.Cluster, error) {
		return &model.Cluster{Context: "kind", Namespace: "ns", Product: model.ProductKind}, nil
	}
	directory := t.TempDir()
	options.PrivateDirectory = func() (string, error) { return directory, nil }
	project, err := Load(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int) model.Position { return model.Position{File: options.Path, Line: line} }
	want := map[string]model.Position{
		"job": at(2), "loaded": {File: lib, Line: 3}, "image:web": at(4), "pod": at(16), "named": at(17),
		"custom": at(18), "db": at(19),
	}
	got := map[string]model.Position{}
	for _, r := range project.Resources {
		got[r.Name] = r.Position
	}
	for _, image := range project.Images {
		got[model.ImagePrefix+image.Name] = image.Position
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
