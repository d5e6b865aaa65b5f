// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// bytes is the text of the document. It's an error when readers would see any
// other change than those to the touched entries, as with YAML anchors that
// are used elsewhere.
func (d *document) bytes() ([]byte, error) {
	d.placeComments()
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := errors.Join(encoder.Encode(&d.root), encoder.Close()); err != nil {
		return nil, err
	}
	before, err := d.others(d.text)
	if err != nil {
		return nil, err
	}
	after, err := d.others(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the result would be broken: %w", err)
	}
	if !reflect.DeepEqual(before, after) {
		return nil, errors.New("it's written in a way that doesn't let the other entries be kept as they are")
	}
	return out.Bytes(), nil
}

// placeComments puts a comment on the line where a list starts to where the
// encoder expects it: with the key of a list of lines, with the brackets of an
// empty one.
func (d *document) placeComments() {
	for _, section := range sections {
		key, list := field(d.root.Content[0], section)
		if list == nil {
			continue
		}
		comment := strings.TrimSpace(key.LineComment + " " + list.LineComment)
		if len(list.Content) == 0 {
			key.LineComment, list.LineComment = "", comment
		} else {
			key.LineComment, list.LineComment = comment, ""
		}
	}
}

// others is all that readers see in a text besides the touched entries. An
// empty list of entries is the same as none.
func (d *document) others(text []byte) (map[string]any, error) {
	var all map[string]any
	if err := sigsyaml.Unmarshal(text, &all, exactNumbers); err != nil {
		return nil, err
	}
	for _, section := range sections {
		list, _ := all[section].([]any)
		list = slices.DeleteFunc(list, func(item any) bool {
			entry, _ := item.(map[string]any)
			name, _ := entry["name"].(string)
			return slices.Contains(d.touched, name)
		})
		delete(all, section)
		if len(list) > 0 {
			all[section] = list
		}
	}
	if current, _ := all["current-context"].(string); current == "" || slices.Contains(d.touched, current) {
		delete(all, "current-context")
	}
	return all, nil
}

func exactNumbers(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}
