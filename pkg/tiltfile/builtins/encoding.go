// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"

	"go.starlark.net/starlark"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"tilt.dev/session/pkg/tiltfile/data"
)

// Encoding returns the builtins for JSON and YAML.
func (e *Evaluation) Encoding() Library {
	return Functions(map[string]Function{
		"decode_json":        e.decode("json", e.parseJSON),
		"decode_yaml":        e.decode("yaml", e.parseYAML),
		"decode_yaml_stream": e.decode("yaml", e.parseYAMLStream),
		"encode_json":        encode(data.EncodeJSON),
		"encode_yaml":        encode(data.EncodeYAML),
		"encode_yaml_stream": Unpacking(encodeYAMLStream),
		"filter_yaml":        Unpacking(e.filterYAML),
		"read_json":          e.read(e.parseJSON),
		"read_yaml":          e.read(e.parseYAML),
		"read_yaml_stream":   e.read(e.parseYAMLStream),
	})
}

// parser returns the value of a text. Its errors say what the text comes from: " from PATH" or nothing.
type parser func(content []byte, from string) (starlark.Value, error)

// read returns the function for read_json(path, default=None) and its like.
func (e *Evaluation) read(parse parser) Function {
	return Unpacking(func(a struct {
		Path    Path           `arg:"path,alias=paths"`
		Default starlark.Value `arg:"default?"`
	}) (starlark.Value, error) {
		content, err := e.ReadData(e.Absolute(string(a.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist) && a.Default != nil:
			return a.Default, nil
		case err != nil:
			return nil, err
		}
		return parse(content, " from "+string(a.Path))
	})
}

// decode returns the function for decode_json(json), decode_yaml(yaml) and decode_yaml_stream(yaml).
func (e *Evaluation) decode(parameter string, parse parser) Function {
	return func(c *Call) (starlark.Value, error) {
		var content Text
		if err := starlark.UnpackArgs(c.Name, c.Args, c.Kwargs, parameter, &content); err != nil {
			return nil, err
		}
		if err := e.checkSize(string(content)); err != nil {
			return nil, err
		}
		return parse([]byte(content), "")
	}
}

func (e *Evaluation) parseJSON(content []byte, from string) (starlark.Value, error) {
	value, err := data.DecodeJSON(content)
	if err != nil {
		return nil, fmt.Errorf("error parsing JSON%s: %w", from, err)
	}
	return value, nil
}

func (e *Evaluation) parseYAMLStream(content []byte, from string) (starlark.Value, error) {
	documents, err := decodeYAML(e, content, from, data.DecodeYAML)
	return starlark.NewList(documents), err
}

// parseYAML returns the value of a text with at most one document, None for an empty one.
func (e *Evaluation) parseYAML(content []byte, from string) (starlark.Value, error) {
	documents, err := decodeYAML(e, content, from, data.DecodeYAML)
	switch {
	case err != nil:
		return nil, err
	case len(documents) == 0:
		return starlark.None, nil
	case len(documents) > 1:
		return nil, fmt.Errorf("expected a yaml document but found a yaml stream%s with %d documents: "+
			"use read_yaml_stream or decode_yaml_stream", from, len(documents))
	}
	return documents[0], nil
}

func decodeYAML[T any](
	e *Evaluation, content []byte, from string, decode func(context.Context, []byte) ([]T, error),
) ([]T, error) {
	decoded, err := decode(e.Context, content)
	if err != nil {
		err = fmt.Errorf("error parsing YAML%s: %w", from, err)
	}
	return decoded, err
}

// encode returns the function for encode_json(obj) and encode_yaml(obj).
func encode[T starlark.Value](f func(starlark.Value) (T, error)) Function {
	return Unpacking(func(a struct {
		Object starlark.Value `arg:"obj"`
	}) (starlark.Value, error) {
		return f(a.Object)
	})
}

// encodeYAMLStream is encode_yaml_stream(objs).
func encodeYAMLStream(a struct {
	Objects starlark.Sequence `arg:"objs"`
}) (starlark.Value, error) {
	return data.EncodeYAMLStream(slices.Collect(starlark.Elements(a.Objects))...)
}

// filterYAML is filter_yaml(yaml, ...). It splits Kubernetes objects into those that match everything given and the
// rest, as two blobs. The yaml is a blob, the path of a file, or a list of these.
func (e *Evaluation) filterYAML(a struct {
	YAML       starlark.Value `arg:"yaml"`
	Labels     StringMap      `arg:"labels??"`
	Name       expression     `arg:"name??"`
	Namespace  expression     `arg:"namespace??"`
	Kind       expression     `arg:"kind??"`
	APIVersion expression     `arg:"api_version??"`
}) (starlark.Value, error) {
	var objects []any
	for _, source := range ElementsOf(a.YAML) {
		text, isBlob := source.(data.Blob)
		content, from, err := []byte(text), "", e.checkSize(string(text))
		if !isBlob {
			var path Path
			if err := path.Unpack(source); err != nil {
				return nil, fmt.Errorf("for parameter yaml: %w", err)
			}
			from = " from " + string(path)
			content, err = e.ReadData(e.Absolute(string(path)))
		}
		if err != nil {
			return nil, err
		}
		decoded, err := decodeYAML(e, content, from, data.DecodeObjects)
		if err != nil {
			return nil, err
		}
		objects = append(objects, decoded...)
	}
	matching, rest, err := data.SplitObjects(objects, func(o unstructured.Unstructured) bool {
		return labels.SelectorFromSet(labels.Set(a.Labels)).Matches(labels.Set(o.GetLabels())) &&
			a.Name.matches(o.GetName()) && a.Namespace.matches(cmp.Or(o.GetNamespace(), "default")) &&
			a.Kind.matches(o.GetKind()) && a.APIVersion.matches(o.GetAPIVersion())
	})
	return starlark.Tuple{matching, rest}, err
}

// expression is a regular expression that ignores case. An argument that was left out matches everything.
type expression struct{ *regexp.Regexp }

func (x *expression) Unpack(v starlark.Value) (err error) {
	pattern, ok := starlark.AsString(v)
	if !ok {
		return fmt.Errorf("got %s, want string", v.Type())
	}
	x.Regexp, err = regexp.Compile("(?i)" + pattern)
	return err
}

func (x expression) matches(s string) bool { return x.Regexp == nil || x.MatchString(s) }
