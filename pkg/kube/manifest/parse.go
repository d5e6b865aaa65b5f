// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"bufio"
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"tilt.dev/session/pkg/model"
)

// Parse returns the objects in a text of YAML or JSON documents. Empty documents are skipped, and a list stands for
// its items. Each object has an apiVersion, a kind and a name. An error says which document is meant; the caller adds
// the source, as in "PATH is not a valid YAML file: " for a file, and "Error reading yaml from SOURCE: ".
//
// A whole number is an int64, or a float64 if it's too large for that. The decoders limit nesting and aliases.
func Parse(text []byte) (objects []model.Object, err error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for number := 1; ; number++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		var values []any
		if err == nil {
			values, err = decode(document)
		}
		for i := 0; err == nil && i < len(values); i++ {
			objects, err = appendObjects(objects, values[i])
		}
		switch {
		case err != nil && number > 1:
			return nil, fmt.Errorf("document %d: %w", number, err)
		case err != nil:
			return nil, err
		}
	}
}

// decode returns the value of a YAML document, or the values of JSON texts one after another.
func decode(document []byte) ([]any, error) {
	if trimmed := bytes.TrimSpace(document); bytes.HasPrefix(trimmed, []byte("{")) {
		if values, err := decodeJSON(trimmed); err == nil {
			return values, nil
		}
	}
	converted, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil, err
	}
	var value any
	err = json.Unmarshal(converted, &value)
	return []any{value}, err
}

// decodeJSON returns the values of JSON texts one after another.
func decodeJSON(text []byte) (values []any, err error) {
	decoder := stdjson.NewDecoder(bytes.NewReader(text))
	for {
		var raw stdjson.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
}

// appendObjects adds the object of a document, or the items of a list.
func appendObjects(objects []model.Object, value any) ([]model.Object, error) {
	if value == nil {
		return objects, nil
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("not a Kubernetes object: %s, expected a map", describe(value))
	}
	kind, _ := fields["kind"].(string)
	items, hasItems := fields["items"].([]any)
	named := mapAt(fields, "metadata")["name"] != nil
	switch {
	case kind == "List" && (hasItems || fields["items"] == nil), strings.HasSuffix(kind, "List") && hasItems && !named:
		return appendItems(objects, kind, items)
	}
	if err := check(fields); err != nil {
		return nil, err
	}
	return append(objects, fields), nil
}

func appendItems(objects []model.Object, kind string, items []any) (_ []model.Object, err error) {
	for i, item := range items {
		if objects, err = appendObjects(objects, item); err != nil {
			return nil, fmt.Errorf("item %d of the %s: %w", i+1, kind, err)
		}
	}
	return objects, nil
}

// check returns an error for what can't be applied as an object.
func check(fields map[string]any) error {
	var name string
	metadata, _ := fields["metadata"].(map[string]any)
	for _, field := range []struct {
		path  string
		value any
	}{
		{"kind", fields["kind"]}, {"apiVersion", fields["apiVersion"]}, {"metadata.name", metadata["name"]},
	} {
		text, isText := field.value.(string)
		switch {
		case isText && text != "":
			name = strings.TrimSpace(name + " " + text)
		case field.value != nil && !isText:
			return fmt.Errorf("%s is %s, expected a string", field.path, describe(field.value))
		case name == "":
			return errors.New("not a Kubernetes object: it has no kind")
		case metadata["generateName"] != nil:
			return fmt.Errorf("%s has a generateName: each deploy would make another object; give it a name", name)
		default:
			return fmt.Errorf("%s has no %s", name, field.path)
		}
	}
	if namespace := metadata["namespace"]; namespace != nil {
		if _, ok := namespace.(string); !ok {
			return fmt.Errorf("metadata.namespace of %s is %s, expected a string", name, describe(namespace))
		}
	}
	return nil
}

// describe is what a decoded value is, for errors.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "a map"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("the string %.40q", value)
	}
	return fmt.Sprint(value)
}

// Encode returns objects as YAML documents.
func Encode(objects []model.Object) ([]byte, error) {
	var documents [][]byte
	for _, o := range objects {
		document, err := yaml.Marshal(o)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", IDOf(o), err)
		}
		documents = append(documents, document)
	}
	return bytes.Join(documents, []byte("---\n")), nil
}
