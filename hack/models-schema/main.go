// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// The models-schema command prints an OpenAPI v2 document with nothing but the
// schemas of the API types, for applyconfiguration-gen to read. It needs no
// server, so that it can run in the middle of code generation.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/kube-openapi/pkg/validation/spec"

	"tilt.dev/session/pkg/generated/openapi"
)

func main() {
	if err := json.NewEncoder(os.Stdout).Encode(document()); err != nil {
		fmt.Fprintln(os.Stderr, "print the schemas:", err)
		os.Exit(1)
	}
}

func document() *spec.Swagger {
	reference := func(name string) spec.Ref {
		return spec.MustCreateRef("#/definitions/" + name)
	}
	schemas := spec.Definitions{}
	for name, definition := range openapi.GetOpenAPIDefinitions(reference) {
		schemas[name] = definition.Schema
	}
	return &spec.Swagger{SwaggerProps: spec.SwaggerProps{
		Swagger: "2.0",
		Info: &spec.Info{InfoProps: spec.InfoProps{
			Title:   "tilt-session",
			Version: "unversioned",
		}},
		Paths:       &spec.Paths{},
		Definitions: schemas,
	}}
}
