// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/discovery"

	"tilt.dev/session/pkg/testserver"
)

// published is where the documents are that the server answers with.
const published = "../../api/openapi-spec"

var update = flag.Bool("update", false, "write the published OpenAPI documents instead of comparing them")

// TestPublishedOpenAPI fails when a published document isn't what the server
// answers with, or when one is missing or left over. To write them anew run
// "go test ./pkg/conformance -run TestPublishedOpenAPI -update".
func TestPublishedOpenAPI(t *testing.T) {
	served := servedOpenAPI(t)
	if *update {
		publish(t, served)
	}
	found := map[string]bool{}
	err := filepath.WalkDir(published, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(published, path)
			found[filepath.ToSlash(name)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(maps.Keys(served)); !slices.Equal(want, slices.Sorted(maps.Keys(found))) {
		t.Errorf("published are %v, served %v", slices.Sorted(maps.Keys(found)), want)
	}
	for name, document := range served {
		stored, err := os.ReadFile(filepath.Join(published, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(stored, document) {
			t.Errorf("%s/%s is stale", published, name)
		}
	}
}

func publish(t *testing.T, documents map[string][]byte) {
	t.Helper()
	for name, document := range documents {
		path := filepath.Join(published, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, document, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// servedOpenAPI are the documents by the names that they're published under.
func servedOpenAPI(t *testing.T) map[string][]byte {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(testserver.Start(t).RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	v2, err := client.RESTClient().Get().AbsPath("/openapi/v2").SetHeader("Accept", "application/json").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string][]byte{"v2.json": indented(t, v2)}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		t.Fatal(err)
	}
	for path, version := range paths {
		v3, err := version.Schema("application/json")
		if err != nil {
			t.Fatal(err)
		}
		documents["v3/"+strings.ReplaceAll(path, "/", "__")+"_openapi.json"] = indented(t, v3)
	}
	return documents
}

func indented(t *testing.T, document []byte) []byte {
	t.Helper()
	var written bytes.Buffer
	if err := json.Indent(&written, document, "", "  "); err != nil {
		t.Fatal(err)
	}
	written.WriteByte('\n')
	return written.Bytes()
}
