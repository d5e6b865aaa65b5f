// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package data

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// DecodeYAML returns the values of the documents in a text, without the empty ones. It reads YAML as Kubernetes does:
// "---" on a line of its own separates documents, and a number without a fraction is an int.
func DecodeYAML(ctx context.Context, content []byte) ([]starlark.Value, error) {
	return decodeYAML(ctx, content, FromJSON)
}

// decodeYAML decodes documents as JSON and converts each of them. It ends between two documents when ctx is done.
func decodeYAML[T any](ctx context.Context, content []byte, convert func(any) (T, error)) ([]T, error) {
	var documents []T
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for number := 1; ; number++ {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err == nil {
			document, err = yaml.YAMLToJSON(document)
		}
		var decoded any
		if err == nil {
			decoded, err = decodeJSON(document, true)
		}
		if err == nil && decoded != nil {
			var value T
			value, err = convert(decoded)
			documents = append(documents, value)
		}
		switch {
		case err != nil && number > 1:
			return nil, fmt.Errorf("document %d: %w", number, err)
		case err != nil:
			return nil, err
		}
	}
}

// EncodeYAML returns a value as a document with sorted keys.
func EncodeYAML(value starlark.Value) (Blob, error) { return EncodeYAMLStream(value) }

// EncodeYAMLStream returns values as a stream of documents.
func EncodeYAMLStream(values ...starlark.Value) (Blob, error) {
	var encodable []any
	for _, value := range values {
		v, err := encode(value, 64, 0)
		if err != nil {
			return "", err
		}
		encodable = append(encodable, v)
	}
	return encodeYAML(encodable...)
}

func encodeYAML(values ...any) (Blob, error) {
	var documents []string
	for _, value := range values {
		content, err := yaml.Marshal(value)
		if err != nil {
			return "", err
		}
		documents = append(documents, string(content))
	}
	return Blob(strings.Join(documents, "---\n")), nil
}

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

// SplitObjects returns the objects that match and the rest, each as YAML.
func SplitObjects(objects []any, match func(unstructured.Unstructured) bool) (matching, rest Blob, err error) {
	var selected, others []any
	for _, object := range objects {
		if match(unstructured.Unstructured{Object: object.(map[string]any)}) {
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
