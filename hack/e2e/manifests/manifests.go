// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manifests reads what is shipped for a cluster, so that it's tried as it is.
package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// ClusterRoles are those of users, by their names.
func ClusterRoles(t testing.TB) map[string]rbacv1.ClusterRole {
	t.Helper()
	roles := map[string]rbacv1.ClusterRole{}
	for _, role := range read[rbacv1.ClusterRole](t, "clusterroles.yaml") {
		roles[role.Name] = role
	}
	return roles
}

// APIService is the one of Sessions. It trusts nobody yet.
func APIService(t testing.TB) *apiregistrationv1.APIService {
	t.Helper()
	return &read[apiregistrationv1.APIService](t, "apiservice.yaml")[0]
}

// Path of a file of the base.
func Path(name string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "api", "deploy", "kubernetes", "base", name)
}

// read decodes every document of a file, and takes no field that the type doesn't
// have. There's at least one.
func read[T any](t testing.TB, name string) []T {
	t.Helper()
	content, err := os.ReadFile(Path(name))
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096); ; {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var one T
		if err := yaml.UnmarshalStrict(raw, &one); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return all
}
