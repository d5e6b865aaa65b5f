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

// DecodeYAML returns the values of the documents in a text, without the empty ones. It reads YAML as
// Kubernetes does: "---" on a line of its own separates documents, and a number without a fraction is an int.
// Decoding ends between two documents when ctx is done.
func DecodeYAML(ctx context.Context, content []byte) ([]starlark.Value, error) {
	var documents []starlark.Value
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for number := 1; ; number++ {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		var value starlark.Value
		if err == nil {
			value, err = decodeDocument(document)
		}
		switch {
		case err != nil && number > 1:
			return nil, fmt.Errorf("document %d: %w", number, err)
		case err != nil:
			return nil, err
		case value != starlark.None:
			documents = append(documents, value)
		}
	}
}

func decodeDocument(document []byte) (starlark.Value, error) {
	content, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	return DecodeJSON(content)
}

// EncodeYAML returns values as a stream of documents with sorted keys.
func EncodeYAML(values ...starlark.Value) (Blob, error) {
	var documents []string
	for _, value := range values {
		encodable, err := encoder{maxBits: 64}.value(value, 0)
		if err != nil {
			return "", err
		}
		content, err := yaml.Marshal(encodable)
		if err != nil {
			return "", err
		}
		documents = append(documents, string(content))
	}
	return Blob(strings.Join(documents, "---\n")), nil
}
