// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

func TestClientSchemeHasTheServedVersionOnly(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	kinds, _, err := scheme.ObjectKinds(&v1alpha1.Session{})
	want := schema.GroupVersionKind{Group: "tilt.dev", Version: "v1alpha1", Kind: "Session"}
	if err != nil || len(kinds) != 1 || kinds[0] != want {
		t.Errorf("a Session is %v, %v; want %v", kinds, err, want)
	}
}

func TestQualifiedNames(t *testing.T) {
	if got := v1alpha1.Resource("sessions").String(); got != "sessions.tilt.dev" {
		t.Errorf("resource %s", got)
	}
	if got := v1alpha1.Kind("Session").String(); got != "Session.tilt.dev" {
		t.Errorf("kind %s", got)
	}
}

// The types import apimachinery and its dependencies alone, so that a client's build stays small.
func TestPackageImportsApimachineryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := strings.Fields(string(out))
	if !slices.Contains(imports, "k8s.io/apimachinery/pkg/runtime") {
		t.Fatalf("go list doesn't name the imports: %s", out)
	}
	for _, path := range imports {
		host, _, _ := strings.Cut(path, "/")
		isStandard := !strings.Contains(host, ".")
		if !isStandard && !strings.HasPrefix(path, "k8s.io/apimachinery/") {
			t.Errorf("the package imports %s", path)
		}
	}
}
