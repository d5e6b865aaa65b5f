// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilt.dev/session/pkg/model"
)

// parse returns the objects of a text that has to be right.
func parse(t *testing.T, text string) []model.Object {
	t.Helper()
	objects, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// object returns an object by its kind, "NAMESPACE/NAME" or "NAME", and further lines.
func object(t *testing.T, apiVersion, kind, name, more string) model.Object {
	t.Helper()
	namespace, name, found := strings.Cut(name, "/")
	if !found {
		namespace, name = "", namespace
	}
	text := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: \"" + name + "\""
	if namespace != "" {
		text += ", namespace: " + namespace
	}
	return parse(t, text+"}\n"+more)[0]
}

// wantError checks that an error has a text.
func wantError(t *testing.T, err error, text string) {
	t.Helper()
	switch {
	case err == nil && text != "":
		t.Errorf("no error, want one with %q", text)
	case err != nil && (text == "" || !strings.Contains(err.Error(), text)):
		t.Errorf("error %q, want one with %q", err, text)
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct{ name, text, want, err string }{
		{name: "nothing", text: ""},
		{name: "empty documents", text: "---\n---\n# only a comment\n---\nnull\n---\n"},
		{
			name: "documents",
			text: "{apiVersion: v1, kind: A, metadata: {name: a}}\n--- # Source: chart/b.yaml\n" +
				"apiVersion: v1\nkind: B\nmetadata:\n  name: b\n",
			want: "A a, B b",
		},
		{name: "CRLF", text: "kind: A\r\napiVersion: v1\r\nmetadata: {name: a}\r\n---\r\nnull\r\n", want: "A a"},
		{name: "JSON", text: `{"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "namespace": "n"}}`,
			want: "A a (Namespace: n)"},
		{name: "JSON texts", text: "{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}}\n" +
			"{\"apiVersion\":\"v1\",\"kind\":\"B\",\"metadata\":{\"name\":\"b\"}}\n", want: "A a, B b"},
		{
			name: "lists within a list",
			text: `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: A, metadata: {name: a}}
- apiVersion: v1
  kind: List
  items: [{apiVersion: v1, kind: B, metadata: {name: b}}]
- null
- {apiVersion: v1, kind: List}`,
			want: "A a, B b",
		},
		{name: "a typed list", text: `{apiVersion: v1, kind: CList, items: [{apiVersion: v1, kind: C, metadata: {name: c}}]}`,
			want: "C c"},
		{name: "a kind like a list", text: `{apiVersion: a.b/v1, kind: AllowList, metadata: {name: c}, items: [1]}`,
			want: "AllowList c"},
		{name: "no object", text: "just text", err: `not a Kubernetes object: the string "just text", expected a map`},
		{name: "no kind", text: "a: 1", err: "not a Kubernetes object: it has no kind"},
		{name: "no version", text: "kind: A\nmetadata: {name: a}", err: "A has no apiVersion"},
		{name: "no name", text: "kind: A\napiVersion: v1", err: "A v1 has no metadata.name"},
		{name: "a number as name", text: "kind: A\napiVersion: v1\nmetadata: {name: 1}",
			err: "metadata.name is 1, expected a string"},
		{name: "a namespace that isn't text", text: "kind: A\napiVersion: v1\nmetadata: {name: a, namespace: [b]}",
			err: "metadata.namespace of A v1 a is a list, expected a string"},
		{name: "a generated name", text: "kind: Job\napiVersion: batch/v1\nmetadata: {generateName: a-}",
			err: "Job batch/v1 has a generateName"},
		{name: "the second document", text: "kind: A\napiVersion: v1\nmetadata: {name: a}\n---\n a: [",
			err: "document 2: "},
		{name: "an item", text: "kind: List\nitems: [{kind: A}]", err: "item 1 of the List: A has no apiVersion"},
		{name: "aliases without end", text: "a: &a [x,x,x,x,x,x,x,x,x]\n" + bomb("a", "b") + bomb("b", "c") +
			bomb("c", "d") + bomb("d", "e") + bomb("e", "f") + bomb("f", "g") + bomb("g", "h") + bomb("h", "i"),
			err: "excessive aliasing"},
		{name: "deep", text: strings.Repeat("[", 20_000), err: "exceeded max depth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			objects, err := Parse([]byte(test.text))
			wantError(t, err, test.err)
			var ids []string
			for _, o := range objects {
				ids = append(ids, IDOf(o).String())
			}
			if got := strings.Join(ids, ", "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func bomb(from, to string) string {
	return to + ": &" + to + " [" + strings.Repeat("*"+from+",", 9) + "]\n"
}

func TestNothingIsLost(t *testing.T) {
	text := `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, creationTimestamp: null}
spec: {replicas: 3, misspelt: "yes", ratio: 0.5, big: 9223372036854775807, larger: 1e300, on: true}
status: {replicas: 1}
`
	want := model.Object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "creationTimestamp": nil},
		"spec": map[string]any{
			"replicas": int64(3), "misspelt": "yes", "ratio": 0.5, "big": int64(9223372036854775807), "larger": 1e300,
			"true": true,
		},
		"status": map[string]any{"replicas": int64(1)},
	}
	objects := parse(t, text)
	if diff := cmp.Diff([]model.Object{want}, objects); diff != "" {
		t.Error(diff)
	}
	encoded, err := Encode(append(objects, objects...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]model.Object{want, want}, parse(t, string(encoded))); diff != "" {
		t.Error(diff)
	}
}

func TestID(t *testing.T) {
	old := object(t, "extensions/v1beta1", "Deployment", "dev/web", "")
	if got := IDOf(old); got != (ID{"extensions/v1beta1", "Deployment", "dev", "web"}) || got.Group() != "extensions" {
		t.Errorf("got %+v", got)
	}
	later := object(t, "extensions/v1", "Deployment", "dev/web", "")
	if IDOf(old) == IDOf(later) || IDOf(old).Key() != IDOf(later).Key() {
		t.Error("two versions of an object aren't duplicates, but the same object")
	}
	if IDOf(object(t, "v1", "Secret", "a", "")) == IDOf(object(t, "v1", "Secret", "default/a", "")) {
		t.Error("a namespace counts as written")
	}
}

func TestSecrets(t *testing.T) {
	objects := parse(t, `
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {password: c2VjcmV0, short: YWJj, wrong: "%%%"}
stringData: {token: "12345", pin: "1234", number: 123456}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data: {password: c2VjcmV0}
`)
	want := []model.Secret{
		{Name: "s", Key: "password", Value: []byte("secret")}, {Name: "s", Key: "token", Value: []byte("12345")},
	}
	if diff := cmp.Diff(want, Secrets(objects)); diff != "" {
		t.Error(diff)
	}
}
