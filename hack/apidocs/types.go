// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
)

// ownModels is what the names of this project's schemas begin with.
const ownModels = "dev.tilt.session."

// typeSection is a type of the reference.
type typeSection struct {
	Name        string
	Description string
	// Type says what the JSON of a type without fields is.
	Type   string
	Fields []field
}

// field is a row of a type's table. Its texts fit into a cell.
type field struct {
	Name        string
	Type        string
	Required    string
	Description string
	// refersTo is the name of the type that the field has or lists, if any.
	refersTo string
}

func newTypeSection(name string, schema *spec.Schema) typeSection {
	section := typeSection{Name: name, Description: firstParagraph(schema.Description), Type: typeOf(schema)}
	for _, property := range fieldOrder(schema) {
		declared := schema.Properties[property]
		section.Fields = append(section.Fields, field{
			Name:        property,
			Type:        typeOf(&declared),
			Required:    yesNo(slices.Contains(schema.Required, property)),
			Description: describe(&declared),
			refersTo:    cmp.Or(referenceOf(&declared), referenceOf(elementOf(&declared))),
		})
	}
	return section
}

// fieldOrder has the required fields first, as they are declared, and then the
// others by name.
func fieldOrder(schema *spec.Schema) []string {
	order := slices.Clone(schema.Required)
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	return order
}

// typeOf is the type of a value in words, with a link where it has a section.
func typeOf(schema *spec.Schema) string {
	if name := referenceOf(schema); name != "" {
		return linkTo(name)
	}
	element := elementOf(schema)
	switch {
	case element == nil:
		return scalarOf(schema)
	case schema.Type.Contains("array"):
		return "list of " + typeOf(element) + listType(schema)
	default:
		return "map of string to " + typeOf(element)
	}
}

func scalarOf(schema *spec.Schema) string {
	name := cmp.Or(strings.Join(schema.Type, " or "), "any")
	if schema.Format != "" {
		name += " (" + schema.Format + ")"
	}
	return name
}

// listType says how server-side apply merges a list.
func listType(schema *spec.Schema) string {
	kind, _ := schema.Extensions.GetString("x-kubernetes-list-type")
	switch kind {
	case "":
		return ""
	case "map":
		keys, _ := schema.Extensions.GetStringSlice("x-kubernetes-list-map-keys")
		return ", map by `" + strings.Join(keys, "`, `") + "`"
	default:
		return ", " + kind
	}
}

// elementOf is what a list or a map is made of, nil for anything else.
func elementOf(schema *spec.Schema) *spec.Schema {
	switch {
	case schema.Items != nil:
		return schema.Items.Schema
	case schema.AdditionalProperties != nil:
		return schema.AdditionalProperties.Schema
	default:
		return nil
	}
}

// referenceOf is the name of the type that a schema is, empty if it's none of
// those that have a section.
func referenceOf(schema *spec.Schema) string {
	if schema == nil {
		return ""
	}
	if len(schema.AllOf) == 1 {
		schema = &schema.AllOf[0]
	}
	target := schema.Ref.String()
	return shortName(target[strings.LastIndex(target, "/")+1:])
}

// shortName is the last word of a schema's name, such as "ObjectMeta".
func shortName(model string) string { return model[strings.LastIndex(model, ".")+1:] }

// describe is the description with the enum values, each on its own line.
func describe(schema *spec.Schema) string {
	text, values, _ := strings.Cut(schema.Description, "\n\nPossible enum values:\n")
	lines := []string{cell(text)}
	for value := range strings.Lines(values) {
		lines = append(lines, cell(strings.TrimPrefix(value, " - ")))
	}
	if values == "" && len(schema.Enum) > 0 {
		lines = append(lines, cell(fmt.Sprintf("One of %q.", schema.Enum)))
	}
	return strings.Join(lines, "<br>")
}
