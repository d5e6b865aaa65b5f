// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// DecodeObjects returns the Kubernetes objects in a YAML text. A list stands for its items.
func DecodeObjects(ctx context.Context, content []byte) ([]any, error) {
	documents, err := decodeYAML(ctx, content, objectsOf)
	return slices.Concat(documents...), err
}

func objectsOf(decoded any) (objects []any, err error) {
	fields, _ := decoded.(map[string]any)
	object := unstructured.Unstructured{Object: fields}
	items, isList := fields["items"].([]any)
	switch {
	case object.GetKind() == "":
		return nil, errors.New("found a document that isn't a Kubernetes object: it has no kind")
	case !isList || object.GetKind() != "List":
		return []any{decoded}, nil
	}
	for _, item := range items {
		inner, err := objectsOf(item)
		if err != nil {
			return nil, err
		}
		objects = append(objects, inner...)
	}
	return objects, nil
}

// ObjectFilter selects Kubernetes objects. The zero value selects all of them.
type ObjectFilter struct {
	// Labels are labels that the object must have.
	Labels map[string]string
	// Nil expressions match everything.
	Name, Namespace, Kind, APIVersion *regexp.Regexp
}

// Split returns the objects that match and the rest, each as YAML.
func (f *ObjectFilter) Split(objects []any) (matching, rest Blob, err error) {
	var selected, others []any
	for _, object := range objects {
		if f.matches(unstructured.Unstructured{Object: object.(map[string]any)}) {
			selected = append(selected, object)
		} else {
			others = append(others, object)
		}
	}
	if matching, err = encodeYAML(selected...); err == nil {
		rest, err = encodeYAML(others...)
	}
	return matching, rest, err
}

func (f *ObjectFilter) matches(object unstructured.Unstructured) bool {
	return labels.SelectorFromSet(f.Labels).Matches(labels.Set(object.GetLabels())) &&
		matches(f.Name, object.GetName()) &&
		matches(f.Namespace, cmp.Or(object.GetNamespace(), "default")) &&
		matches(f.Kind, object.GetKind()) &&
		matches(f.APIVersion, object.GetAPIVersion())
}

func matches(expression *regexp.Regexp, s string) bool {
	return expression == nil || expression.MatchString(s)
}
