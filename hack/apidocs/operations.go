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
	Title  string
	Method string
	Path   string
	// Summary is the first sentence of the description.
	Summary     string
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

type response struct {
	Code        int
	Description string
	Type        string
}

func (r response) String() string { return strconv.Itoa(r.Code) + " " + r.Description }

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
		Summary:     cell(firstSentence(operation.Description)),
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

// typeOfContent is the type that is transferred, or one for each media type if
// they differ.
func typeOfContent(content map[string]*spec3.MediaType) string {
	var types, all []string
	for _, media := range slices.Sorted(maps.Keys(content)) {
		name := typeOf(content[media].Schema)
		all = append(all, "`"+media+"`: "+name)
		if !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	switch len(types) {
	case 0:
		return "nothing"
	case 1:
		return types[0]
	default:
		return strings.Join(all, "<br>")
	}
}
