// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/kube-openapi/pkg/spec3"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// verbs are the names by which permissions are given for actions that are named
// after an HTTP method.
var verbs = map[string]string{"post": "create", "put": "update"}

// operationSection is an operation of the reference.
type operationSection struct {
	Title       string
	Method      string
	Path        string
	Description string
	Body        *body
	Parameters  []parameter
	Responses   []response
}

type body struct {
	Type     string
	Required string
	Media    []string
}

// parameter is a row of an operation's table. Its texts fit into a cell.
type parameter struct {
	Name, In, Type, Required string
	// Summary is the first sentence of the whole description.
	Summary     string
	description string
}

type response struct {
	Code        int
	Description string
	Type        string
}

// operationSections are the operations by path, on each path the reading ones
// first.
func operationSections(paths map[string]*spec3.Path) []operationSection {
	var sections []operationSection
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		declared := paths[path]
		for _, candidate := range []struct {
			method    string
			operation *spec3.Operation
		}{
			{http.MethodGet, declared.Get},
			{http.MethodPost, declared.Post},
			{http.MethodPut, declared.Put},
			{http.MethodPatch, declared.Patch},
			{http.MethodDelete, declared.Delete},
		} {
			if candidate.operation == nil {
				continue
			}
			section := newOperationSection(path, candidate.operation, declared.Parameters)
			section.Method = candidate.method
			sections = append(sections, section)
		}
	}
	return sections
}

func newOperationSection(path string, operation *spec3.Operation, common []*spec3.Parameter) operationSection {
	section := operationSection{
		Title:       title(path, operation),
		Path:        path,
		Description: cell(operation.Description),
		Body:        newBody(operation.RequestBody),
	}
	for _, declared := range slices.Concat(common, operation.Parameters) {
		section.Parameters = append(section.Parameters, newParameter(declared))
	}
	slices.SortFunc(section.Parameters, func(a, b parameter) int {
		return cmp.Or(cmp.Compare(a.In, b.In), cmp.Compare(a.Name, b.Name))
	})
	for code, declared := range operation.Responses.StatusCodeResponses {
		section.Responses = append(section.Responses, response{
			Code:        code,
			Description: cell(declared.Description),
			Type:        typeOfContent(declared.Content),
		})
	}
	slices.SortFunc(section.Responses, func(a, b response) int { return cmp.Compare(a.Code, b.Code) })
	return section
}

// title is the verb with what it's for, such as "update sessions/{name}/status".
func title(path string, operation *spec3.Operation) string {
	action, found := operation.Extensions.GetString("x-kubernetes-action")
	if !found {
		return operation.Description
	}
	root := "/apis/" + v1alpha1.SchemeGroupVersion.String() + "/"
	return cmp.Or(verbs[action], action) + " " + strings.TrimPrefix(path, root)
}

func newBody(declared *spec3.RequestBody) *body {
	if declared == nil {
		return nil
	}
	return &body{
		Type:     typeOfContent(declared.Content),
		Required: yesNo(declared.Required),
		Media:    slices.Sorted(maps.Keys(declared.Content)),
	}
}

// typeOfContent is the type that is transferred, the same in each media type.
func typeOfContent(content map[string]*spec3.MediaType) string {
	for _, media := range slices.Sorted(maps.Keys(content)) {
		return typeOf(content[media].Schema)
	}
	return "nothing"
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

func (r response) String() string { return strconv.Itoa(r.Code) + " " + r.Description }
