// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// What operators are told to begin with changes what it's said to change.
func TestKustomizationOfReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join(folder, "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "mine/kustomization.yaml <<EOF\n")
	text, _, found := strings.Cut(text, "    EOF\n")
	if !found {
		t.Fatal("there's no kustomization")
	}
	directory := t.TempDir()
	base, err := filepath.Abs(filepath.Join(folder, "base"))
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(directory, base)
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(strings.ReplaceAll("\n"+text, "\n    ", "\n"), "../base", relative)
	if err := os.WriteFile(filepath.Join(directory, "kustomization.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := the[appsv1.Deployment](t, render(t, directory), "tilt-session").Spec.Template.Spec
	if image := pod.Containers[0].Image; image != "registry.example/tilt-session:v0.1.0" {
		t.Errorf("the image is %s", image)
	}
	args := arguments(pod)
	if servers := flag(t, args, "etcd-servers"); strings.Count(servers, "https://etcd-") != 3 {
		t.Errorf("etcd is at %s", servers)
	}
	if file := flag(t, args, "etcd-cafile"); file != "/etc/tilt-session/etcd/ca.crt" {
		t.Errorf("the rest is lost: %q", args)
	}
}
