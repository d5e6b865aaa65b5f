// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"
	"k8s.io/klog/v2"
)

// published is the directory that the command writes.
const published = "../../api"

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
		// Each consistent read from the watch cache leaves one for three seconds.
		goleak.IgnoreTopFunction("k8s.io/apiserver/pkg/storage/cacher.(*watchCache).waitUntilFreshAndBlock.func2"),
	)
}

func TestPublishedIsWhatTheServerServes(t *testing.T) {
	documents, err := generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range documents {
		got, err := os.ReadFile(filepath.Join(published, name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("api/%s is stale: run hack/update-openapi.sh", name)
		}
	}
	for _, name := range filesBelow(t, published, specDirectory) {
		if _, found := documents[name]; !found {
			t.Errorf("api/%s is served no more: run hack/update-openapi.sh", name)
		}
	}
}

func TestRunReplacesWhatIsGenerated(t *testing.T) {
	directory := t.TempDir()
	stale := filepath.Join(directory, specDirectory, "stale.json")
	if err := os.MkdirAll(filepath.Dir(stale), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{stale, filepath.Join(directory, "README.md")} {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t.Context(), directory); err != nil {
		t.Fatal(err)
	}
	want := append(filesBelow(t, published, specDirectory), "README.md", referenceFile)
	slices.Sort(want)
	if got := filesBelow(t, directory, "."); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
}

// filesBelow are the sorted paths of all files in a part of a directory,
// relative to the directory.
func filesBelow(t *testing.T, directory, part string) []string {
	t.Helper()
	found := map[string]bool{}
	err := fs.WalkDir(os.DirFS(directory), part, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found[path] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}
