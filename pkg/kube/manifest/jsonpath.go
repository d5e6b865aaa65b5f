// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

// maxPath is how long a JSONPath may be.
const maxPath = 1000

// path is a JSONPath. The package jsonpath only reads. But what it finds in a list can be set, and so can the keys of a
// map that it finds: a path that ends with a key is kept as the path of the maps and the key.
type path struct {
	text string
	// values finds the values, or the maps that have them if key isn't empty.
	values *jsonpath.JSONPath
	key    string
}

// place is a value within an object.
type place struct {
	value any
	set   func(any)
}

// newPath parses a path with or without braces. Settable is false if the values are only read.
func newPath(text string, settable bool) (path, error) {
	inner := strings.TrimSpace(text)
	if strings.HasPrefix(inner, "{") && strings.HasSuffix(inner, "}") {
		inner = inner[1 : len(inner)-1]
	}
	if inner != "" && !strings.ContainsAny(inner[:1], ".[$@") {
		inner = "." + inner
	}
	if len(inner) > maxPath {
		return path{}, fmt.Errorf("JSONPath %.40q...: it has more than %d bytes", text, maxPath)
	}
	nodes, err := parsePath(inner)
	switch {
	case err != nil:
		return path{}, fmt.Errorf("JSONPath %q: %w", text, err)
	case len(nodes) == 0:
		return path{}, fmt.Errorf("JSONPath %q: it has no fields", text)
	}
	p := path{text: text}
	switch last := nodes[len(nodes)-1].(type) {
	case *jsonpath.FieldNode:
		p.key = last.Value
		inner = parentOf(inner, nodes[:len(nodes)-1])
	case *jsonpath.ArrayNode, *jsonpath.FilterNode:
	default:
		if settable {
			return path{}, fmt.Errorf("JSONPath %q must end with a field, an index, [*] or a filter", text)
		}
	}
	p.values = jsonpath.New(text).AllowMissingKeys(true)
	return p, p.values.Parse("{" + inner + "}")
}

// parsePath returns the steps of a path.
func parsePath(inner string) ([]jsonpath.Node, error) {
	parser, err := jsonpath.Parse("", "{"+inner+"}")
	if err != nil {
		return nil, err
	}
	if len(parser.Root.Nodes) != 1 {
		return nil, errors.New("more than one path")
	}
	list, ok := parser.Root.Nodes[0].(*jsonpath.ListNode)
	if !ok {
		return nil, errors.New("not a path")
	}
	for _, node := range list.Nodes {
		switch node.(type) {
		case *jsonpath.FieldNode, *jsonpath.ArrayNode, *jsonpath.FilterNode, *jsonpath.WildcardNode,
			*jsonpath.RecursiveNode, *jsonpath.UnionNode:
		default:
			return nil, fmt.Errorf("%s isn't a step of a path", node)
		}
		if field, ok := node.(*jsonpath.FieldNode); ok && field.Value == "" {
			return nil, errors.New("a field has no name")
		}
	}
	return list.Nodes, nil
}

// parentOf returns the beginning of a path that has only the given steps.
func parentOf(inner string, steps []jsonpath.Node) string {
	for end := len(inner); end > 0; end-- {
		nodes, err := parsePath(inner[:end])
		if err == nil && fmt.Sprint(nodes) == fmt.Sprint(steps) {
			return inner[:end]
		}
	}
	return ""
}

// places returns the values that the path finds in an object. What is missing isn't an error.
func (p path) places(object map[string]any) (places []place, err error) {
	found, err := p.values.FindResults(object)
	if err != nil {
		return nil, fmt.Errorf("JSONPath %q: %w", p.text, err)
	}
	for _, results := range found {
		for _, result := range results {
			if p.key == "" {
				places = append(places, place{result.Interface(), func(v any) { result.Set(reflect.ValueOf(v)) }})
				continue
			}
			fields, _ := result.Interface().(map[string]any)
			if value, ok := fields[p.key]; ok {
				places = append(places, place{value, func(v any) { fields[p.key] = v }})
			}
		}
	}
	return places, nil
}
