// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"tilt.dev/session/pkg/model"
)

// ID identifies an object as it is written. Two objects of the same ID are duplicates. Namespace is empty for an
// object that names none.
type ID struct{ APIVersion, Kind, Namespace, Name string }

// IDOf returns the ID of an object.
func IDOf(o model.Object) ID {
	metadata := mapAt(o, "metadata")
	return ID{stringAt(o, "apiVersion"), stringAt(o, "kind"), stringAt(metadata, "namespace"), stringAt(metadata, "name")}
}

// Group is the API group, empty for the core group.
func (id ID) Group() string {
	group, _, found := strings.Cut(id.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// GroupKind is the kind in any version of its API.
func (id ID) GroupKind() schema.GroupKind { return schema.GroupKind{Group: id.Group(), Kind: id.Kind} }

// String is the ID in an error: "Deployment web (Namespace: dev)", without the parenthesis if it names no namespace.
func (id ID) String() string {
	if id.Namespace == "" {
		return id.Kind + " " + id.Name
	}
	return fmt.Sprintf("%s %s (Namespace: %s)", id.Kind, id.Name, id.Namespace)
}

// Key returns the identity of the object, which it keeps in another version of its API.
func (id ID) Key() Key { return Key{id.Group(), id.Kind, id.Namespace, id.Name} }

// Key identifies an object in any version of its API.
type Key struct{ Group, Kind, Namespace, Name string }

// namespace is where an object counts as being when a name or a selector says so.
func (id ID) namespace() string { return cmp.Or(id.Namespace, "default") }

// builtIn is true for the kinds of Kubernetes that may have pods, and false for custom resources.
func (id ID) builtIn() bool { return !strings.Contains(id.Group(), ".") }

// mapAt returns a field that is a map, else nil.
func mapAt(fields map[string]any, path ...string) map[string]any {
	for _, key := range path {
		fields, _ = fields[key].(map[string]any)
	}
	return fields
}

// stringAt returns a field that is a string, else "".
func stringAt(fields map[string]any, key string) string {
	text, _ := fields[key].(string)
	return text
}

// mapsAt returns the maps in a field that is a list.
func mapsAt(fields map[string]any, key string) (maps []map[string]any) {
	list, _ := fields[key].([]any)
	for _, element := range list {
		if element, ok := element.(map[string]any); ok {
			maps = append(maps, element)
		}
	}
	return maps
}

// stringsAt returns the strings in a field that is a map.
func stringsAt(fields map[string]any, key string) map[string]string {
	found := map[string]string{}
	for name, value := range mapAt(fields, key) {
		if text, ok := value.(string); ok {
			found[name] = text
		}
	}
	return found
}
