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
	"strings"

	"go.starlark.net/starlark"
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

// EncodeYAML returns values as a stream of documents with sorted keys.
func EncodeYAML(values ...starlark.Value) (Blob, error) {
	var encodable []any
	for _, value := range values {
		v, err := encoder{maxBits: 64}.value(value, 0)
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
