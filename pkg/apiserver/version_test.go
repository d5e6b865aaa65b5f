// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"os"
	"regexp"
	"testing"

	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/util/compatibility"
)

func TestKubernetesVersion(t *testing.T) {
	t.Parallel()
	modules, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`(?m)^\s*k8s\.io/apiserver v0\.(\S+)$`).FindSubmatch(modules)
	if required == nil || kubernetesVersion != "1."+string(required[1]) {
		t.Errorf("kubernetesVersion is %s, and go.mod requires k8s.io/apiserver v0.%s", kubernetesVersion, required[1:])
	}
	ours, library := utilversion.MustParseSemantic(kubernetesVersion), compatibility.DefaultBuildEffectiveVersion().BinaryVersion()
	if ours.Major() != library.Major() || ours.Minor() != library.Minor() {
		t.Errorf("kubernetesVersion is %s, and the library is compatible with %s", ours, library)
	}
}

func TestEffectiveVersion(t *testing.T) {
	t.Parallel()
	for ours, want := range map[string]string{
		"v0.1.0":                     "v0.1.0",
		"0.1.0":                      "v0.1.0",
		"v0.1.0-7b65810-dirty":       "v0.1.0-7b65810-dirty",
		"v1.2.3-rc.1+abc":            "v1.2.3-rc.1.abc",
		"v0.0.0-20260101-abc+dirty":  "v0.0.0-20260101-abc.dirty",
		"v0.1.0-3-gabcdef0+more.tag": "v0.1.0-3-gabcdef0.more.tag",
	} {
		version, err := newEffectiveVersion(ours)
		if err != nil {
			t.Errorf("%s: %v", ours, err)
			continue
		}
		info := version.Info()
		parsed, err := utilversion.ParseSemantic(info.GitVersion)
		if err != nil || info.GitVersion != "v"+kubernetesVersion+"+tilt-session."+want || parsed.PreRelease() != "" || info.Major != "1" || info.Minor != "36" {
			t.Errorf("%s: %+v, %v", ours, info, err)
		}
	}
	for _, ours := range []string{"", "v1", "latest", "v1.2", "v1.2.3+a+b"} {
		if version, err := newEffectiveVersion(ours); err == nil {
			t.Errorf("%q: %+v", ours, version.Info())
		}
	}
}
