// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"fmt"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// field is a key of a mapping with its value, nil if there's none.
func field(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// checkKeys refuses keys that readers understand differently: those that aren't
// text, and two of one name.
func checkKeys(n *yaml.Node) error {
	seen := map[string]bool{}
	for i, child := range n.Content {
		if err := checkKeys(child); err != nil {
			return err
		}
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			continue
		}
		if child.Kind != yaml.ScalarNode || child.ShortTag() != "!!str" {
			return fmt.Errorf("line %d: a key that isn't text", child.Line)
		}
		if seen[child.Value] {
			return fmt.Errorf("line %d: %s is there twice", child.Line, child.Value)
		}
		seen[child.Value] = true
	}
	return nil
}

// node is a value as its JSON field names say it.
func node(value any) (*yaml.Node, error) {
	text, err := sigsyaml.Marshal(value)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	return doc.Content[0], nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
