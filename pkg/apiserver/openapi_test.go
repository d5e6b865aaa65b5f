// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	testserver "tilt.dev/session/pkg/testing/server"
)

// schema is what the tests look at of a definition.
type schema struct {
	Description string
	Type        string
	Ref         string `json:"$ref"`
	AllOf       []schema
	Properties  map[string]schema
	Items       *schema
	Required    []string
	Enum        []any
	ListType    string              `json:"x-kubernetes-list-type"`
	ListMapKeys []string            `json:"x-kubernetes-list-map-keys"`
	GVK         []map[string]string `json:"x-kubernetes-group-version-kind"`
}

func TestOpenAPIV2(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	reply := client.do(http.MethodGet, "/openapi/v2", nil)
	var document struct {
		Info        struct{ Title, Version string }
		Paths       map[string]map[string]json.RawMessage
		Definitions map[string]schema
	}
	reply.want(http.StatusOK, &document)
	if document.Info.Title != "tilt-session" || document.Info.Version == "" {
		t.Errorf("info = %+v", document.Info)
	}
	checkDefinitions(t, document.Definitions)
	for path, operations := range map[string]string{
		sessionsPath:                             "get post delete",
		sessionsPath + "/{name}":                 "get put patch delete",
		sessionsPath + "/{name}/status":          "get put patch",
		"/apis/tilt.dev/v1alpha1/watch/sessions": "get",
	} {
		for operation := range strings.FieldsSeq(operations) {
			if document.Paths[path][operation] == nil {
				t.Errorf("no %s of %s", operation, path)
			}
		}
	}
	if document.Paths[sessionsPath+"/{name}/status"]["delete"] != nil {
		t.Error("the status can be deleted")
	}
	client.do(http.MethodGet, "/openapi/v2", nil, "If-None-Match: "+reply.header.Get("Etag")).want(http.StatusNotModified)
	client.do(http.MethodGet, "/openapi/v2", nil, "Accept: application/com.github.proto-openapi.spec.v2.v1.0+protobuf").want(http.StatusOK)
}

func TestOpenAPIV3(t *testing.T) {
	t.Parallel()
	client := newRawClient(t, testserver.Start(t))
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	client.do(http.MethodGet, "/openapi/v3", nil).want(http.StatusOK, &index)
	url := index.Paths["apis/tilt.dev/v1alpha1"].ServerRelativeURL
	var document struct {
		Info       struct{ Title string }
		Components struct{ Schemas map[string]schema }
	}
	reply := client.do(http.MethodGet, url, nil).want(http.StatusOK, &document)
	if !strings.Contains(reply.header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s can't be cached", url)
	}
	if document.Info.Title != "tilt-session" {
		t.Errorf("title = %q", document.Info.Title)
	}
	checkDefinitions(t, document.Components.Schemas)
}

// checkDefinitions wants every property of a Session described, and the lists,
// enumerations and the kind declared.
func checkDefinitions(t *testing.T, definitions map[string]schema) {
	t.Helper()
	var name string
	for candidate, definition := range definitions {
		for _, gvk := range definition.GVK {
			if gvk["version"] == "__internal" {
				t.Errorf("%s shows the internal version", candidate)
			}
			if gvk["group"] == "tilt.dev" && gvk["kind"] == "Session" {
				name = candidate
			}
		}
	}
	if name == "" {
		t.Fatal("no definition is the Session's")
	}
	session := definitions[name]
	if len(session.GVK) != 1 || session.GVK[0]["version"] != "v1alpha1" {
		t.Errorf("kinds of the Session: %v", session.GVK)
	}
	status := resolve(definitions, session.Properties["status"])
	if status.Properties["targets"].ListType != "atomic" {
		t.Errorf("status.targets = %+v", status.Properties["targets"])
	}
	if c := status.Properties["conditions"]; c.ListType != "map" || strings.Join(c.ListMapKeys, ",") != "type" {
		t.Errorf("status.conditions = %+v", c)
	}
	spec := resolve(definitions, session.Properties["spec"])
	if len(spec.Properties["exitCondition"].Enum) != 2 || strings.Join(spec.Required, ",") != "tiltfilePath,exitCondition" {
		t.Errorf("spec = %+v", spec)
	}
	seen := 0
	checkDescribed(t, definitions, name, name, &seen)
	if seen < 35 {
		t.Errorf("only %d properties of a Session are declared", seen)
	}
}

func checkDescribed(t *testing.T, definitions map[string]schema, name, path string, seen *int) {
	t.Helper()
	for property, declared := range definitions[name].Properties {
		*seen++
		at := path + "." + property
		if declared.Description == "" {
			t.Errorf("%s isn't described", at)
		}
		next := reference(declared)
		if declared.Items != nil {
			next = reference(*declared.Items)
		}
		if strings.Contains(next, "tilt") {
			checkDescribed(t, definitions, next, at, seen)
		}
	}
}

func resolve(definitions map[string]schema, declared schema) schema {
	return definitions[reference(declared)]
}

// reference is the name of the definition that a property refers to, if any.
func reference(declared schema) string {
	ref := declared.Ref
	if ref == "" && len(declared.AllOf) == 1 {
		ref = declared.AllOf[0].Ref
	}
	return ref[strings.LastIndex(ref, "/")+1:]
}
