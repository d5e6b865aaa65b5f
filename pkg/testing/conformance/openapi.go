// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
)

const (
	openAPIV2 = "/openapi/v2"
	openAPIV3 = "/openapi/v3"
	// ourModels is the prefix of the names of this group's definitions.
	ourModels = "dev.tilt.session.pkg.apis.core.v1alpha1."
)

// checkOpenAPI checks the documents that explain, apply and code generators use.
func checkOpenAPI(t *testing.T, s *server) {
	t.Run("V2", func(t *testing.T) { t.Parallel(); openAPIV2Document(t, s) })
	t.Run("V3", func(t *testing.T) { t.Parallel(); openAPIV3Documents(t, s) })
	t.Run("Schemas", func(t *testing.T) {
		t.Parallel()
		t.Run("V2", func(t *testing.T) { checkSchemas(t, s.schemasV2(t), s.typesServed()) })
		t.Run("V3", func(t *testing.T) { checkSchemas(t, s.schemasV3(t), s.typesServed()) })
	})
	t.Run("Operations", func(t *testing.T) { t.Parallel(); checkOperations(t, s) })
	t.Run("NothingUndeclared", func(t *testing.T) { t.Parallel(); nothingUndeclared(t, s) })
}

func openAPIV2Document(t *testing.T, s *server) {
	for _, accept := range []struct{ requested, answered string }{
		{"application/json", "application/json"},
		{"application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"},
		{"application/com.github.proto-openapi.spec.v2.v1.0+protobuf", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"},
	} {
		answer := s.get(t, openAPIV2, "Accept: "+accept.requested).want(http.StatusOK)
		if got := answer.Header.Get("Content-Type"); got != accept.answered {
			t.Errorf("%s is answered as %s", accept.requested, got)
		}
		tag := answer.Header.Get("ETag")
		if tag == "" {
			t.Errorf("%s: no ETag", accept.requested)
		}
		s.get(t, openAPIV2, "Accept: "+accept.requested, "If-None-Match: "+tag).want(http.StatusNotModified)
	}
	s.get(t, openAPIV2, "Accept: text/html").want(http.StatusNotAcceptable)

	document, err := s.discovery(t).OpenAPISchema()
	if err != nil {
		t.Fatalf("client-go, in protobuf: %v", err)
	}
	found := false
	for _, definition := range document.GetDefinitions().GetAdditionalProperties() {
		found = found || definition.GetName() == ourModels+"Session"
	}
	if !found {
		t.Error("the protobuf form has no Session")
	}
}

func openAPIV3Documents(t *testing.T, s *server) {
	index := s.get(t, openAPIV3).want(http.StatusOK)
	if !s.Aggregated {
		// The index of an aggregator is its own, and has no tag.
		s.get(t, openAPIV3, "If-None-Match: "+index.Header.Get("ETag")).want(http.StatusNotModified)
	}
	hashed := s.pathV3(t)
	if !strings.Contains(hashed, "?hash=") {
		t.Fatalf("the URL is not hashed: %s", hashed)
	}
	for _, accept := range []string{"application/json", "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"} {
		answer := s.get(t, hashed, "Accept: "+accept).want(http.StatusOK)
		header := answer.Header
		if header.Get("Content-Type") != accept || !slices.Contains(header.Values("Cache-Control"), "public, immutable") || header.Get("Expires") == "" {
			t.Errorf("%s: header = %v", accept, header)
		}
		s.get(t, hashed, "Accept: "+accept, "If-None-Match: "+header.Get("ETag")).want(http.StatusNotModified)
	}
	plain, _, _ := strings.Cut(hashed, "?")
	if control := s.get(t, plain).want(http.StatusOK).Header.Get("Cache-Control"); strings.Contains(control, "immutable") {
		t.Errorf("without a hash it's cached for ever: %s", control)
	}
	if !s.Aggregated {
		// An aggregator doesn't pass a redirection on, or says where it led to itself.
		stale := s.get(t, plain+"?hash=STALE").want(http.StatusMovedPermanently)
		if location := stale.Header.Get("Location"); location != hashed {
			t.Errorf("a stale hash leads to %s, not to %s", location, hashed)
		}
	}
	if _, err := s.discovery(t).OpenAPIV3().Paths(); err != nil {
		t.Errorf("client-go: %v", err)
	}
}

// checkOperations checks the operations of each path: their
// action, the kind, and for a patch what it can be written in.
func checkOperations(t *testing.T, s *server) {
	want := map[string]map[string]string{
		sessionsPath:                    {"get": "list", "post": "post", "delete": "deletecollection"},
		sessionsPath + "/{name}":        {"get": "get", "put": "put", "patch": "patch", "delete": "delete"},
		sessionsPath + "/{name}/status": {"get": "get", "put": "put", "patch": "patch"},
	}
	patches := []string{"application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"}
	kind := map[string]any{"group": "tilt.dev", "version": "v1alpha1", "kind": "Session"}
	documents := map[string]map[string]any{"v2": s.documentV2(t), "v3": s.documentV3(t)}
	for version, document := range documents {
		for at, methods := range want {
			for method, action := range methods {
				operation, _, _ := unstructured.NestedMap(document, "paths", at, method)
				if operation["x-kubernetes-action"] != action || operation["description"] == "" || operation["operationId"] == "" {
					t.Errorf("%s: %s %s = %v", version, method, at, operation)
				}
				if diff := cmp.Diff(any(kind), operation["x-kubernetes-group-version-kind"]); diff != "" {
					t.Errorf("%s: kind of %s %s:\n%s", version, method, at, diff)
				}
				if action == "patch" {
					if got := consumed(operation); !slices.Equal(got, patches) {
						t.Errorf("%s: %s takes patches in %v", version, at, got)
					}
				}
			}
		}
		for _, refused := range []string{"post", "delete"} {
			if _, found, _ := unstructured.NestedMap(document, "paths", sessionsPath+"/{name}/status", refused); found {
				t.Errorf("%s: the status can be used by %s", version, refused)
			}
		}
	}
}

// consumed returns the sorted media types of an operation's body, in v2 or v3.
func consumed(operation map[string]any) []string {
	types, _, _ := unstructured.NestedStringSlice(operation, "consumes")
	content, _, _ := unstructured.NestedMap(operation, "requestBody", "content")
	for name := range content {
		types = append(types, name)
	}
	slices.Sort(types)
	return types
}

func (s *server) discovery(t *testing.T) *discovery.DiscoveryClient {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfigAndClient(s.Config, s.http)
	if err != nil {
		t.Fatalf("discovery client: %v", err)
	}
	return client
}

// pathV3 returns the path of the group's document in the index.
func (s *server) pathV3(t *testing.T) string {
	t.Helper()
	var index struct {
		Paths map[string]struct {
			ServerRelativeURL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	s.get(t, openAPIV3).want(http.StatusOK).into(&index)
	return index.Paths[strings.TrimPrefix(versionPath, "/")].ServerRelativeURL
}

func (s *server) documentV3(t *testing.T) map[string]any {
	t.Helper()
	return document(t, s.get(t, s.pathV3(t)).want(http.StatusOK))
}

func (s *server) documentV2(t *testing.T) map[string]any {
	t.Helper()
	return document(t, s.get(t, openAPIV2).want(http.StatusOK))
}

func document(t *testing.T, answer *answer) map[string]any {
	t.Helper()
	decoded := map[string]any{}
	if err := json.Unmarshal(answer.body, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}
