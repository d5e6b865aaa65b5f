// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
)

// parseSecret returns an entry of secret= in its normal form: "id=ID,src=PATH" or "id=ID,env=NAME", with an absolute
// path. Without a source, the builder takes a variable of the name of the ID or else a file, as for docker build.
func parseSecret(text string, absolute func(path string) string) (string, error) {
	reader := csv.NewReader(strings.NewReader(text))
	fields, err := reader.Read()
	if err != nil {
		return "", errors.New("must be one line such as \"id=token,src=token.txt\"")
	}
	if _, err := reader.Read(); err == nil {
		return "", errors.New("must be one line")
	}
	var id, kind, path, variable string
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || value == "" {
			return "", fmt.Errorf("invalid field %q must be a key=value pair", field)
		}
		switch key {
		case "id":
			id = value
		case "type":
			kind = value
		case "src", "source":
			path = value
		case "env":
			variable = value
		default:
			return "", fmt.Errorf("unexpected key %q in %q", key, field)
		}
	}
	switch {
	case id == "":
		return "", errors.New("id is missing")
	case kind != "" && kind != "file" && kind != "env":
		return "", fmt.Errorf("unsupported secret type %q", kind)
	case kind == "env" && variable == "":
		path, variable = "", path
	}
	normal := []string{"id=" + id}
	switch {
	case variable != "":
		normal = append(normal, "env="+variable)
	case path != "":
		normal = append(normal, "src="+absolute(path))
	case kind != "":
		normal = append(normal, "type="+kind)
	}
	var line bytes.Buffer
	writer := csv.NewWriter(&line)
	if err := writer.Write(normal); err != nil {
		return "", err
	}
	writer.Flush()
	return strings.TrimSuffix(line.String(), "\n"), writer.Error()
}
