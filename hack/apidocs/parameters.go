// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/kube-openapi/pkg/spec3"
)

// parameter is a row of an operation's table. Its texts fit into a cell.
type parameter struct {
	Name, In, Type, Required string
	// Summary is the first sentence of the whole description.
	Summary     string
	description string
}

func newParameter(declared *spec3.Parameter) parameter {
	return parameter{
		Name:        declared.Name,
		In:          declared.In,
		Type:        typeOf(declared.Schema),
		Required:    yesNo(declared.Required),
		Summary:     cell(firstSentence(declared.Description)),
		description: declared.Description,
	}
}

// parameterSection is everything there is to know about the parameters of a
// name, which may be described differently for different operations.
type parameterSection struct {
	Name string
	Uses []parameterUse
}

type parameterUse struct {
	Description string
	Operations  []string
}

// String names the operations, with links.
func (u parameterUse) String() string {
	links := make([]string, len(u.Operations))
	for i, title := range u.Operations {
		links[i] = linkTo(title)
	}
	return strings.Join(links, ", ")
}

func parameterSections(operations []operationSection) []parameterSection {
	byName := map[string]*parameterSection{}
	for _, operation := range operations {
		for _, parameter := range operation.Parameters {
			section := byName[parameter.Name]
			if section == nil {
				section = &parameterSection{Name: parameter.Name}
				byName[parameter.Name] = section
			}
			section.add(parameter.description, operation.Title)
		}
	}
	var sections []parameterSection
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		sections = append(sections, *byName[name])
	}
	return sections
}

func (s *parameterSection) add(description, operation string) {
	description = plain(description)
	at := slices.IndexFunc(s.Uses, func(u parameterUse) bool { return u.Description == description })
	if at < 0 {
		at = len(s.Uses)
		s.Uses = append(s.Uses, parameterUse{Description: description})
	}
	s.Uses[at].Operations = append(s.Uses[at].Operations, operation)
}
