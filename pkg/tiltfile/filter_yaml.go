// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"regexp"

	"go.starlark.net/starlark"
)

// filterYAML is filter_yaml(yaml, labels=None, name="", namespace="", kind="",
// api_version=""). It splits Kubernetes objects into those that match all that's
// given and the rest, as two blobs.
func (e *evaluation) filterYAML(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var source starlark.Value
	var filter objectFilter
	err := starlark.UnpackArgs(fn.Name(), args, kwargs, "yaml", &source, "labels??", &filter.labels, "name??", &filter.name,
		"namespace??", &filter.namespace, "kind??", &filter.kind, "api_version??", &filter.apiVersion)
	if err != nil {
		return nil, err
	}
	objects, err := e.kubernetesObjects(source)
	if err != nil {
		return nil, err
	}
	var matching, rest []starlark.Value
	for _, object := range objects {
		if filter.matches(object) {
			matching = append(matching, object)
		} else {
			rest = append(rest, object)
		}
	}
	both := starlark.Tuple{}
	for _, part := range [][]starlark.Value{matching, rest} {
		content, err := e.formatYAML(part...)
		if err != nil {
			return nil, err
		}
		both = append(both, content)
	}
	return both, nil
}

// kubernetesObjects returns the objects in a blob, in a file or in a list of
// these. Kubernetes' own lists are taken apart.
func (e *evaluation) kubernetesObjects(source starlark.Value) ([]*starlark.Dict, error) {
	sources := []starlark.Value{source}
	if sequence, ok := sequenceOf(source); ok {
		sources = nil
		for element := range starlark.Elements(sequence) {
			sources = append(sources, element)
		}
	}
	var objects []*starlark.Dict
	for _, source := range sources {
		content, from, err := e.yamlSource(source)
		if err != nil {
			return nil, err
		}
		documents, err := e.parseYAML(content, from)
		if err != nil {
			return nil, err
		}
		for _, document := range documents {
			if objects, err = appendObjects(objects, document); err != nil {
				return nil, fmt.Errorf("error parsing YAML%s: %w", from, err)
			}
		}
	}
	return objects, nil
}

// yamlSource returns the text of a blob, or that of the file at a path, and
// where it's from.
func (e *evaluation) yamlSource(source starlark.Value) (content []byte, from string, err error) {
	if content, ok := source.(blob); ok {
		return []byte(content), "", nil
	}
	var path localPath
	if err := path.Unpack(source); err != nil {
		return nil, "", fmt.Errorf("for parameter yaml: %w", err)
	}
	content, err = e.readContent(e.absolute(string(path)))
	return content, " from " + string(path), err
}

// appendObjects adds the object in a document, or those in a list.
func appendObjects(objects []*starlark.Dict, document starlark.Value) ([]*starlark.Dict, error) {
	object, ok := document.(*starlark.Dict)
	if !ok || field(object, "kind") == "" {
		return nil, fmt.Errorf("found a %s that isn't a Kubernetes object: it has no kind", document.Type())
	}
	items, ok := member(object, "items").(*starlark.List)
	if !ok || field(object, "kind") != "List" {
		return append(objects, object), nil
	}
	var err error
	for item := range starlark.Elements(items) {
		if objects, err = appendObjects(objects, item); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// objectFilter selects Kubernetes objects.
type objectFilter struct {
	labels                            labelFilter
	name, namespace, kind, apiVersion textFilter
}

func (f *objectFilter) matches(object *starlark.Dict) bool {
	metadata, _ := member(object, "metadata").(*starlark.Dict)
	namespace := field(metadata, "namespace")
	if namespace == "" {
		namespace = "default"
	}
	return f.name.matches(field(metadata, "name")) &&
		f.namespace.matches(namespace) &&
		f.kind.matches(field(object, "kind")) &&
		f.apiVersion.matches(field(object, "apiVersion")) &&
		f.labels.matches(metadata)
}

// labelFilter are labels that an object must have.
type labelFilter map[string]string

// Unpack implements starlark.Unpacker.
func (f *labelFilter) Unpack(v starlark.Value) error {
	dict, ok := v.(*starlark.Dict)
	if !ok {
		return fmt.Errorf("got %s, want dict of strings", v.Type())
	}
	*f = labelFilter{}
	for _, item := range dict.Items() {
		key, okKey := starlark.AsString(item[0])
		value, okValue := starlark.AsString(item[1])
		if !okKey || !okValue {
			return fmt.Errorf("got %s: %s, want string: string", item[0].Type(), item[1].Type())
		}
		(*f)[key] = value
	}
	return nil
}

func (f labelFilter) matches(metadata *starlark.Dict) bool {
	labels, _ := member(metadata, "labels").(*starlark.Dict)
	for key, value := range f {
		if label, ok := member(labels, key).(starlark.String); !ok || string(label) != value {
			return false
		}
	}
	return true
}

// textFilter is a regular expression that's to be found in a text, in lower or
// upper case. An empty one is found everywhere.
type textFilter struct{ *regexp.Regexp }

// Unpack implements starlark.Unpacker.
func (f *textFilter) Unpack(v starlark.Value) error {
	pattern, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want string", v.Type())
	}
	compiled, err := regexp.Compile("(?i)" + pattern)
	f.Regexp = compiled
	return err
}

func (f textFilter) matches(s string) bool { return f.Regexp == nil || f.MatchString(s) }

// member returns what's under a key, nil if there's no such key or no dict.
func member(dict *starlark.Dict, key string) starlark.Value {
	if dict == nil {
		return nil
	}
	value, _, _ := dict.Get(starlark.String(key))
	return value
}

// field returns the string under a key, "" if there's none.
func field(dict *starlark.Dict, key string) string {
	s, _ := member(dict, key).(starlark.String)
	return string(s)
}
