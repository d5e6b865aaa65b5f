// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	sigsyaml "sigs.k8s.io/yaml"
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
		return nil, err
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
