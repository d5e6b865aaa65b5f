// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExtensions evaluates the cases in testdata/extension, which have the form of those of TestScripts. Their extensions
// use the builtins as public ones do.
func TestExtensions(t *testing.T) {
	paths, err := filepath.Glob("testdata/extension/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { testArchive(t, path, evaluate) })
	}
}

// TestExtensionLinks loads an extension that is a symbolic link. Only in a directory that the Tiltfile names may it
// lead elsewhere.
func TestExtensionLinks(t *testing.T) {
	const modules = "tilt_modules/github.com/tilt-dev/tilt-extensions"
	for _, c := range []struct{ source, at, target, want string }{
		{"load('ext://x', 'v')", modules, "../outside", "path escapes from parent"},
		{"load('ext://x', 'v')", modules, "y", ""},
		{"v1alpha1.extension_repo('default', url='exts')\nload('ext://x', 'v')", "exts", "../outside", ""},
	} {
		options := tiltfile(t, c.source+"\nlocal_resource(v, 'x')")
		repository := filepath.Join(filepath.Dir(options.Path), c.at)
		writeFile(t, filepath.Join(repository, "y", "Tiltfile"), []byte("v = 'a'"))
		writeFile(t, filepath.Join(repository, "..", "outside", "Tiltfile"), []byte("v = 'a'"))
		if err := os.Symlink(c.target, filepath.Join(repository, "x")); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), options)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", c.target, err)
		}
		if c.want != "" {
			requireError(t, err, KindEvaluation, c.want)
		}
	}
}
