// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"tilt.dev/session/pkg/apis/core/v1alpha1"
)

// kinds are what the reference begins with.
var kinds = []string{"Session", "SessionList"}

//go:embed reference.md.tmpl
var referenceTemplate string

// reference is what the template shows.
type reference struct {
	GroupVersion string
	// Types are those of the group, Others those that they and the operations
	// refer to.
	Types, Others []typeSection
	Operations    []operationSection
	Parameters    []parameterSection
}

// writeReference describes what OpenAPI v3 documents contain, in Markdown.
func writeReference(documents ...[]byte) ([]byte, error) {
	schemas := map[string]*spec.Schema{}
	paths := map[string]*spec3.Path{}
	for _, document := range documents {
		var parsed spec3.OpenAPI
		if err := json.Unmarshal(document, &parsed); err != nil {
			return nil, fmt.Errorf("reading OpenAPI v3: %w", err)
		}
		maps.Copy(schemas, parsed.Components.Schemas)
		maps.Copy(paths, parsed.Paths.Paths)
	}
	parsed, err := template.New("reference").Funcs(template.FuncMap{"slug": slug}).Parse(referenceTemplate)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	operations := operationSections(paths)
	own, others, err := typeSections(schemas)
	if err != nil {
		return nil, err
	}
	var written bytes.Buffer
	err = parsed.Execute(&written, reference{
		GroupVersion: v1alpha1.SchemeGroupVersion.String(),
		Types:        own,
		Others:       others,
		Operations:   operations,
		Parameters:   parameterSections(operations),
	})
	if err != nil {
		return nil, fmt.Errorf("writing the reference: %w", err)
	}
	return written.Bytes(), nil
}

// typeSections are the types of this project in the order in which a reader
// meets them from the kinds on, and the others by name. No two of them may be
// called the same, since links lead to names.
func typeSections(schemas map[string]*spec.Schema) (own, others []typeSection, err error) {
	byName := map[string]*spec.Schema{}
	var ours []string
	for model, schema := range schemas {
		name := shortName(model)
		if byName[name] != nil {
			return nil, nil, fmt.Errorf("two types are called %s", name)
		}
		byName[name] = schema
		if strings.HasPrefix(model, ownModels) {
			ours = append(ours, name)
		}
	}
	slices.Sort(ours)
	met := map[string]bool{}
	var meet func(name string)
	meet = func(name string) {
		if met[name] || !slices.Contains(ours, name) {
			return
		}
		met[name] = true
		section := newTypeSection(name, byName[name])
		own = append(own, section)
		for _, field := range section.Fields {
			meet(field.refersTo)
		}
	}
	for _, name := range slices.Concat(kinds, ours) {
		meet(name)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if !met[name] {
			others = append(others, newTypeSection(name, byName[name]))
		}
	}
	return own, others, nil
}
