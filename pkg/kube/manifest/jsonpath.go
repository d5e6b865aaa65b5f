// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

// maxPath is how long a JSONPath may be.
const maxPath = 500

// path is a JSONPath. The package jsonpath only reads, but what it finds in a list can be set, and so can the keys of a
// map that it finds: a path that ends with a field is kept as the path of the maps and the key.
//
// Each step is evaluated alone and for one value at a time. Upstream: k8s.io/client-go v0.36, util/jsonpath: the steps
// [*] and [:] end with the first empty list, so that the lists after it are left out.
type path struct {
	text  string
	steps []*jsonpath.JSONPath
	// key is the last step if it's a field.
	key string
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
	case *jsonpath.ArrayNode, *jsonpath.FilterNode:
	default:
		if settable {
			return path{}, fmt.Errorf("JSONPath %q must end with a field, an index, [*] or a filter", text)
		}
	}
	begin := 0
	for _, end := range ends(inner, nodes) {
		if end == 0 {
			return path{}, fmt.Errorf(`JSONPath %q: a dot within a field is written "\."`, text)
		}
		step := inner[begin:end]
		if !strings.ContainsAny(step[:1], ".[$@") {
			step = "." + step
		}
		begin = end
		p.steps = append(p.steps, jsonpath.New(text).AllowMissingKeys(true))
		if err := p.steps[len(p.steps)-1].Parse("{" + step + "}"); err != nil {
			return path{}, fmt.Errorf("JSONPath %q: %w", text, err)
		}
	}
	if p.key != "" {
		p.steps = p.steps[:len(p.steps)-1]
	}
	return p, nil
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

// ends returns where each step of a path ends, 0 for one that makes a step only with the next.
func ends(inner string, steps []jsonpath.Node) []int {
	ends := make([]int, len(steps))
	for end := range len(inner) {
		nodes, err := parsePath(inner[:end+1])
		n := len(nodes)
		if err == nil && n > 0 && n <= len(steps) && fmt.Sprint(nodes) == fmt.Sprint(steps[:n]) {
			ends[n-1] = end + 1
		}
	}
	return ends
}

// places returns the values that the path finds in an object. What is missing isn't an error.
func (p path) places(object map[string]any) (places []place, err error) {
	found := []reflect.Value{reflect.ValueOf(object)}
	for _, step := range p.steps {
		var next []reflect.Value
		for _, value := range found {
			results, err := step.FindResults(value.Interface())
			if err != nil {
				return nil, fmt.Errorf("JSONPath %q: %w", p.text, err)
			}
			next = append(next, slices.Concat(results...)...)
		}
		found = next
	}
	for _, result := range found {
		if p.key == "" {
			places = append(places, place{result.Interface(), func(v any) { result.Set(reflect.ValueOf(v)) }})
			continue
		}
		fields, _ := result.Interface().(map[string]any)
		if value, ok := fields[p.key]; ok {
			places = append(places, place{value, func(v any) { fields[p.key] = v }})
		}
	}
	return places, nil
}
