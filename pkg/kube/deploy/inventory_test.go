// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tilt.dev/session/pkg/model"
)

func entry(resource, namespace, name string) Entry {
	return Entry{Resource: resource, Version: "v1", Kind: "ConfigMap", Namespace: namespace, Name: name}
}

func configMapObject(namespace, name string) model.Object {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	return model.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
}

func deployOf(resource string, objects ...model.Object) model.Resource {
	return model.Resource{Name: resource, Update: &model.Deploy{
		Resource: resource, Cluster: &model.Cluster{Namespace: "dev"}, Objects: objects,
	}}
}

func depending(r model.Resource, on ...string) model.Resource {
	r.ResourceDeps = on
	return r
}

func names(entries []Entry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

// What left a resource waits for its next deploy; what left with its resource goes at once; what moved stays.
func TestSelection(t *testing.T) {
	inventory := []Entry{
		entry("web", "dev", "stays"), entry("web", "dev", "left"), entry("web", "dev", "moved"),
		entry("web", "other", "named"), entry("gone", "dev", "gone"), entry("gone", "dev", "adopted"),
		entry("web", "", "clusterwide"), entry("web", "other", "stays"),
	}
	p := newProject([]model.Resource{
		deployOf("web", configMapObject("", "stays"), configMapObject("other", "named"), configMapObject("x", "clusterwide")),
		deployOf("db", configMapObject("dev", "moved"), configMapObject("", "adopted")),
	})
	if got := names(p.leftResource(inventory, "web")); !slices.Equal(got, []string{"left", "stays"}) {
		t.Errorf("left the resource: %v", got)
	}
	if got := names(p.leftProject(inventory)); !slices.Equal(got, []string{"gone"}) {
		t.Errorf("left the project: %v", got)
	}
}

func TestJudge(t *testing.T) {
	live := func(annotations ...string) *metav1.PartialObjectMetadata {
		o := &metav1.PartialObjectMetadata{}
		o.Annotations = map[string]string{}
		for i := 0; i < len(annotations); i += 2 {
			o.Annotations[annotations[i]] = annotations[i+1]
		}
		return o
	}
	namespace := Entry{Version: "v1", Kind: "Namespace", Name: "n"}
	for _, c := range []struct {
		name       string
		entry      Entry
		live       *metav1.PartialObjectMetadata
		namespaces bool
		want       fate
	}{
		{"gone", entry("r", "n", "a"), nil, true, forgotten},
		{"ours", entry("r", "n", "a"), live(InventoryKey, "me/p"), false, deleted},
		{"without mark", entry("r", "n", "a"), live(), true, spared},
		{"of another project", entry("r", "n", "a"), live(InventoryKey, "me/q"), true, spared},
		{"of another owner", entry("r", "n", "a"), live(InventoryKey, "you/p"), true, spared},
		{"kept", entry("r", "n", "a"), live(InventoryKey, "me/p", DownPolicyKey, "keep"), true, spared},
		{"other policy", entry("r", "n", "a"), live(InventoryKey, "me/p", DownPolicyKey, "x"), false, deleted},
		{"namespace", namespace, live(InventoryKey, "me/p"), false, retained},
		{"namespace by flag", namespace, live(InventoryKey, "me/p"), true, deleted},
		{"namespace that was there", namespace, live(), true, spared},
	} {
		if got, _ := judge(c.entry, c.live, "me/p", c.namespaces); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestInventoryID(t *testing.T) {
	if inventoryID("b/c", "a") == inventoryID("c", "a/b") {
		t.Error("two projects share an ID")
	}
}

func TestInventoryContent(t *testing.T) {
	entries := []Entry{entry("web", "dev", "a"), entry("web", "dev", "b")}
	merged, changed := record(entries, []Entry{entry("db", "dev", "b"), entry("db", "dev", "c"), entry("web", "dev", "a")})
	want := []Entry{entries[0], entry("db", "dev", "b"), entry("db", "dev", "c")}
	if !changed || !slices.Equal(merged, want) {
		t.Errorf("merged %v", merged)
	}
	if _, changed := record(merged, merged); changed {
		t.Error("the same entries are a change")
	}
	left, changed := without(merged, []Entry{entry("x", "dev", "b")})
	if !changed || !slices.Equal(names(left), []string{"a", "c"}) {
		t.Errorf("left %v", left)
	}
	for _, n := range []int{0, 3, 20000} {
		var many []Entry
		for i := range n {
			many = append(many, entry("resource", "namespace", fmt.Sprintf("object-%d", i)))
		}
		data, binary, err := encode(many)
		if err != nil {
			t.Fatal(err)
		}
		if size := len(data[plainKey]) + len(binary[compactKey]); size > maxStored {
			t.Errorf("%d entries take %d bytes", n, size)
		}
		if back, err := decode(data, binary); err != nil || len(back) != n || n > 0 && !reflect.DeepEqual(back, many) {
			t.Errorf("%d entries: %d back, %v", n, len(back), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`[{"resource":"web","version":"v1","kind":"ConfigMap","name":"a"}]`, []byte(nil))
	f.Add(`[{}]`, []byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, text string, compact []byte) {
		binary := map[string][]byte{}
		if len(compact) > 0 {
			binary[compactKey] = compact
		}
		entries, err := decode(map[string]string{plainKey: text}, binary)
		for _, e := range entries {
			if err == nil && (e.Version == "" || e.Kind == "" || e.Name == "") {
				t.Fatalf("incomplete entry %+v", e)
			}
		}
	})
}

func TestDownStages(t *testing.T) {
	chart := deployOf("chart")
	chart.Update.(*model.Deploy).Custom = &model.CustomDeploy{}
	resources := []model.Resource{
		deployOf("db", configMapObject("", "db")),
		depending(model.Resource{Name: "migrate"}, "db"),
		depending(deployOf("api", configMapObject("", "api")), "migrate", "unknown"),
		depending(deployOf("web", configMapObject("", "web")), "api", "db"),
		deployOf("alone", configMapObject("", "alone")),
		depending(chart, "db"),
	}
	inventory := []Entry{entry("old", "dev", "old"), entry("db", "dev", "db")}
	var got []string
	for _, s := range downStages(resources, newProject(resources), inventory, nil) {
		line := strings.Join(names(s.entries), " ")
		for _, c := range s.commands {
			line += " +" + c.Resource
		}
		got = append(got, line)
	}
	if want := []string{"old", "alone web +chart", "api", "", "db"}; !slices.Equal(got, want) {
		t.Errorf("stages %q, want %q", got, want)
	}
	// Of a selection, also what it no longer names goes.
	inventory = append(inventory, entry("alone", "dev", "left"))
	selected := downStages(resources, newProject(resources), inventory, func(r string) bool { return r == "alone" })
	chosen := append(names(selected[0].entries), names(selected[1].entries)...)
	if !slices.Equal(chosen, []string{"left", "alone"}) {
		t.Errorf("selected %q", chosen)
	}
}
