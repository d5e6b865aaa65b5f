// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// sections are the lists that an entry has a part in.
var sections = [...]string{"clusters", "contexts", "users"}

// empty is a kubeconfig without entries.
const empty = `apiVersion: v1
kind: Config
clusters: []
contexts: []
current-context: ""
preferences: {}
users: []
`

// document is a kubeconfig that's edited as YAML, because client-go's types
// would lose what they don't know. It has one owner.
type document struct {
	// text is the document before the first edit, config what it means.
	text   []byte
	config *clientcmdapi.Config
	root   yaml.Node
	// touched are the names of the entries that were edited.
	touched []string
}

// parse reads a kubeconfig. No data at all is a kubeconfig without entries.
func parse(data []byte) (*document, error) {
	config, err := clientcmd.Load(data)
	if err != nil {
		return nil, fmt.Errorf("it isn't a kubeconfig: %w", err)
	}
	doc := &document{text: data, config: config}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	err = decoder.Decode(&doc.root)
	if errors.Is(err, io.EOF) || err == nil && isNull(doc.root.Content[0]) {
		doc.text = []byte(empty)
		return doc, yaml.Unmarshal(doc.text, &doc.root)
	}
	if err != nil {
		return nil, err
	}
	if err := checkKeys(&doc.root); err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there's more than one YAML document in it")
	}
	return doc, nil
}

// has tells whether any part of an entry called name was there.
func (d *document) has(name string) bool {
	return d.config.Contexts[name] != nil || d.config.Clusters[name] != nil || d.config.AuthInfos[name] != nil
}

// put sets the entry called name to its parts, given in the order of sections.
func (d *document) put(name string, parts [len(sections)]any) error {
	if err := d.drop(name); err != nil {
		return err
	}
	for i, section := range sections {
		list, err := d.list(section)
		if err != nil {
			return err
		}
		item, err := node(parts[i])
		if err != nil {
			return err
		}
		list.Content = append(list.Content, item)
	}
	return nil
}

// drop removes every part of the entry called name.
func (d *document) drop(name string) error {
	d.touched = append(d.touched, name)
	for _, section := range sections {
		list, err := d.list(section)
		if err != nil {
			return err
		}
		list.Content = slices.DeleteFunc(list.Content, func(item *yaml.Node) bool {
			_, label := field(item, "name")
			return label != nil && label.Value == name
		})
	}
	return nil
}

// forget makes no context the current one, if it's the one called name.
func (d *document) forget(name string) {
	_, current := field(d.root.Content[0], "current-context")
	if current != nil && current.Value == name {
		current.SetString("")
	}
}

// list is the list of a section, which is made if there's none.
func (d *document) list(section string) (*yaml.Node, error) {
	root := d.root.Content[0]
	_, list := field(root, section)
	if list == nil {
		list = &yaml.Node{Kind: yaml.SequenceNode}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: section}, list)
	}
	if isNull(list) {
		list.Kind, list.Tag, list.Value = yaml.SequenceNode, "", ""
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: %s isn't written as a list", list.Line, section)
	}
	if len(list.Content) == 0 {
		list.Style &^= yaml.FlowStyle
	}
	return list, nil
}
