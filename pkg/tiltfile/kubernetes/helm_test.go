// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubernetes

import (
	"slices"
	"strings"
	"testing"
)

func TestHelmCommand(t *testing.T) {
	for _, c := range []struct {
		a      helmParameters
		values []string
		want   string
	}{
		{want: "helm template chart /c --include-crds"},
		{a: helmParameters{Name: "n", SkipCRDs: true}, want: "helm template n /c"},
		{
			a:      helmParameters{Namespace: "ns", KubeVersion: "1.30", Set: []string{"a=b", "c=d"}},
			values: []string{"/v", "/w"},
			want: "helm template chart /c --include-crds --namespace ns --kube-version 1.30 --values /v --values /w " +
				"--set a=b --set c=d",
		},
	} {
		if got := strings.Join(c.a.command("/c", c.values), " "); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestWithoutTests(t *testing.T) {
	const (
		first  = "# Source: a/templates/one.yaml\nkind: One\n"
		test   = "# Source: a/templates/tests/two.yaml\nkind: Two\n"
		second = "# Source: a/charts/tests-of-b/templates/three.yaml\ntext: |\n  --- no separator\n"
	)
	for rendered, want := range map[string]string{
		"":                                        "",
		"---\n" + first + "---\n" + second:        "---\n" + first + "---\n" + second,
		"---\n" + first + "---\n" + test:          first,
		"---\n" + test + "--- \n" + second:        second,
		first + "---\n" + test + "---\n" + second: first + "---\n" + second,
		"---\n" + test:                            "",
	} {
		if got := withoutTests(rendered); got != want {
			t.Errorf("%q: got %q, want %q", rendered, got, want)
		}
	}
}

func TestLocalDependencies(t *testing.T) {
	for content, want := range map[string][]string{
		"dependencies: [{repository: 'file://../a/'}, {repository: 'https://x'}, {name: b}, {repository: file:///c}]": {"../a", "/c"},
		"dependencies: 1": nil,
		"{":               nil,
		"":                nil,
	} {
		if got := localDependencies([]byte(content)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", content, got, want)
		}
	}
}

func TestInNamespace(t *testing.T) {
	const rendered = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: own}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: c}}
---
{apiVersion: example.org/v1, kind: Unknown, metadata: {name: d}}
`
	got, err := inNamespace(rendered, "ns")
	if err != nil {
		t.Fatal(err)
	}
	var namespaces []string
	for line := range strings.Lines(got) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "namespace: "); ok {
			namespaces = append(namespaces, name)
		}
	}
	if !slices.Equal(namespaces, []string{"ns", "own", "ns"}) {
		t.Errorf("got %v of\n%s", namespaces, got)
	}
	if _, err := inNamespace("kind: [", "ns"); err == nil {
		t.Error("got no error for text that isn't YAML")
	}
}

func FuzzPortForward(f *testing.F) {
	for _, text := range []string{"80", "80:81", "host:80:81", "::1", "1:2:3:4", ":::", "-1", "99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePortForward(text)
		if err == nil {
			err = checkPortForward(p)
		}
		if err == nil && (p.Local < 0 || p.Local > 65535 || p.Container < 0 || p.Container > 65535) {
			t.Errorf("%q: got %+v", text, p)
		}
	})
}
