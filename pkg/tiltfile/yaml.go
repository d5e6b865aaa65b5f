// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"go.starlark.net/starlark"
	"go.yaml.in/yaml/v2"
)

// readYAML is read_yaml(path, default=None).
func (e *evaluation) readYAML(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	content, path, fallback, err := e.readData(fn, args, kwargs)
	if err != nil || fallback != nil {
		return fallback, err
	}
	return e.parseOneYAML(content, " from "+path)
}

// readYAMLStream is read_yaml_stream(path, default=None).
func (e *evaluation) readYAMLStream(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	content, path, fallback, err := e.readData(fn, args, kwargs)
	if err != nil || fallback != nil {
		return fallback, err
	}
	documents, err := e.parseYAML(content, " from "+path)
	if err != nil {
		return nil, err
	}
	return starlark.NewList(documents), nil
}

// decodeYAML is decode_yaml(yaml).
func (e *evaluation) decodeYAML(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var content text
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "yaml", &content); err != nil {
		return nil, err
	}
	return e.parseOneYAML([]byte(content), "")
}

// decodeYAMLStream is decode_yaml_stream(yaml).
func (e *evaluation) decodeYAMLStream(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var content text
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "yaml", &content); err != nil {
		return nil, err
	}
	documents, err := e.parseYAML([]byte(content), "")
	if err != nil {
		return nil, err
	}
	return starlark.NewList(documents), nil
}

// parseOneYAML returns the value of a text with at most one document, None for
// an empty one.
func (e *evaluation) parseOneYAML(content []byte, from string) (starlark.Value, error) {
	documents, err := e.parseYAML(content, from)
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

// parseYAML returns the values of the documents in a text, without the empty
// ones. Where the text is from is for errors.
//
// What aliases may expand to is limited by the decoder.
func (e *evaluation) parseYAML(content []byte, from string) ([]starlark.Value, error) {
	if err := e.checkDataSize(len(content), "the text"+from); err != nil {
		return nil, err
	}
	var documents []starlark.Value
	decoder := yaml.NewDecoder(contextReader{e.ctx, bytes.NewReader(content)})
	for {
		if e.ctx.Err() != nil {
			return nil, context.Cause(e.ctx)
		}
		var data any
		err := decoder.Decode(&data)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		var value starlark.Value
		if err == nil {
			value, err = fromData(data)
		}
		if err != nil {
			return nil, fmt.Errorf("error parsing YAML%s: %w", from, err)
		}
		if value != starlark.None {
			documents = append(documents, value)
		}
	}
}

// encodeYAML is encode_yaml(obj), with sorted keys.
func (e *evaluation) encodeYAML(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var object starlark.Value
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "obj", &object); err != nil {
		return nil, err
	}
	return e.formatYAML(object)
}

// encodeYAMLStream is encode_yaml_stream(objs).
func (e *evaluation) encodeYAMLStream(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var objects starlark.Sequence
	if err := starlark.UnpackArgs(fn.Name(), args, kwargs, "objs", &objects); err != nil {
		return nil, err
	}
	var documents []starlark.Value
	for object := range starlark.Elements(objects) {
		documents = append(documents, object)
	}
	return e.formatYAML(documents...)
}

// formatYAML writes values as a stream of documents.
func (e *evaluation) formatYAML(values ...starlark.Value) (starlark.Value, error) {
	x := newExporter(e.limits.readSize)
	var documents []string
	for _, value := range values {
		data, err := x.data(value)
		if err != nil {
			return nil, err
		}
		if data, err = yamlNumbers(data); err != nil {
			return nil, err
		}
		content, err := yaml.Marshal(data)
		if err != nil {
			return nil, err
		}
		documents = append(documents, string(content))
	}
	return blob(strings.Join(documents, "---\n")), nil
}

// yamlNumbers replaces the ints in data by those that the encoder writes as
// such.
func yamlNumbers(data any) (_ any, err error) {
	switch data := data.(type) {
	case *big.Int:
		switch {
		case data.IsInt64():
			return data.Int64(), nil
		case data.IsUint64():
			return data.Uint64(), nil
		}
		return nil, fmt.Errorf("the int %s is too large for YAML, which has 64 bits", data)
	case []any:
		for i := range data {
			if data[i], err = yamlNumbers(data[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range data {
			if data[key], err = yamlNumbers(data[key]); err != nil {
				return nil, err
			}
		}
	}
	return data, nil
}
