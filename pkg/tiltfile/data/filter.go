// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"fmt"
	"regexp"

	"go.starlark.net/starlark"
)

// ObjectFilter selects Kubernetes objects. The zero value selects all of them.
type ObjectFilter struct {
	// Labels are labels that the object must have.
	Labels map[string]string
	// Nil expressions match everything.
	Name, Namespace, Kind, APIVersion *regexp.Regexp
}

// Split divides the objects in documents into those that match and the rest. An object of kind List stands
// for its items.
func (f *ObjectFilter) Split(documents []starlark.Value) (matching, rest []starlark.Value, err error) {
	for _, document := range documents {
		object, ok := document.(*starlark.Dict)
		if !ok || field(object, "kind") == "" {
			return nil, nil, fmt.Errorf("found a %s that isn't a Kubernetes object: it has no kind", document.Type())
		}
		items, isList := member(object, "items").(*starlark.List)
		switch {
		case isList && field(object, "kind") == "List":
			var elements []starlark.Value
			for item := range starlark.Elements(items) {
				elements = append(elements, item)
			}
			m, r, err := f.Split(elements)
			if err != nil {
				return nil, nil, err
			}
			matching, rest = append(matching, m...), append(rest, r...)
		case f.matches(object):
			matching = append(matching, object)
		default:
			rest = append(rest, object)
		}
	}
	return matching, rest, nil
}

func (f *ObjectFilter) matches(object *starlark.Dict) bool {
	metadata, _ := member(object, "metadata").(*starlark.Dict)
	namespace := field(metadata, "namespace")
	if namespace == "" {
		namespace = "default"
	}
	labels, _ := member(metadata, "labels").(*starlark.Dict)
	for key, value := range f.Labels {
		if member(labels, key) != starlark.String(value) {
			return false
		}
	}
	return matches(f.Name, field(metadata, "name")) &&
		matches(f.Namespace, namespace) &&
		matches(f.Kind, field(object, "kind")) &&
		matches(f.APIVersion, field(object, "apiVersion"))
}

func matches(expression *regexp.Regexp, s string) bool {
	return expression == nil || expression.MatchString(s)
}

// member returns the value under a key, nil without such a key or a dict.
func member(dict *starlark.Dict, key string) starlark.Value {
	if dict == nil {
		return nil
	}
	value, _, _ := dict.Get(starlark.String(key))
	return value
}

// field returns the string under a key, "" if there is none.
func field(dict *starlark.Dict, key string) string {
	s, _ := member(dict, key).(starlark.String)
	return string(s)
}
