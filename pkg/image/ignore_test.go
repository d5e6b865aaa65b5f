// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"tilt.dev/session/pkg/model"
)

// files of a context, among them names that patterns need to escape.
var files = []string{"a", "b.txt", "dir/a", "dir/b.txt", "dir/sub/c", "dir/sub/d.txt", "!x", "#y", "z*", "q?[r]", "back\\slash", "sp ace ", "é/é"}

func writeContext(t testing.TB) string {
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sources(t testing.TB, lists ...[]string) ignores {
	var list ignores
	for _, patterns := range lists {
		s, err := newSource(patterns)
		if err != nil {
			t.Skip() // It isn't a list of patterns.
		}
		list = append(list, s)
	}
	return list
}

// The one file that a builder reads ignores what the sources ignore together.
func checkCombined(t *testing.T, dir string, list ignores) {
	t.Helper()
	patterns, err := list.combine(dir)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ignorefile.ReadAll(strings.NewReader(strings.Join(patterns, "\n") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	combined, err := patternmatcher.New(read)
	if err != nil {
		t.Fatalf("%q: %v", patterns, err)
	}
	for _, file := range files {
		want, err := list.ignored(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := combined.MatchesOrParentMatches(file); err != nil || got != want {
			t.Errorf("%q is ignored: %v, want %v, %v\n%q", file, got, want, err, patterns)
		}
	}
}

func TestCombine(t *testing.T) {
	dir := writeContext(t)
	only := []string{"**", "!dir/sub", "!a"}
	for name, lists := range map[string][][]string{
		"none":       nil,
		"positive":   {{"*.txt"}, {"dir/sub"}},
		"one":        {{"dir"}, {"*", "!a", "!dir"}},
		"only":       {{"**/*.txt", "!dir/sub/d.txt"}, only},
		"wild":       {{"dir", "!**/c"}, {"**", "!**/*.txt", "!dir"}, only},
		"everything": {{"**", "!a"}, {"**", "!dir"}},
	} {
		t.Run(name, func(t *testing.T) { checkCombined(t, dir, sources(t, lists...)) })
	}
	patterns, err := sources(t, []string{"x", "!y"}, only).combine(dir)
	if err != nil || !slices.Contains(patterns, `\!x`) || !slices.Contains(patterns, `sp ace?`) || slices.Contains(patterns, "dir/a/*") {
		t.Errorf("got %q, %v", patterns, err)
	}
}

func FuzzCombine(f *testing.F) {
	f.Add("**\n!a\n!dir/sub", "*.txt\n!b.txt", "dir/*\n!dir/s*")
	f.Add("dir\n!dir/a", "d*\n!**/a", "!a\n**")
	f.Add(" #y", "", "")
	dir := writeContext(f)
	f.Fuzz(func(t *testing.T, one, two, three string) {
		var lists [][]string
		for _, text := range []string{one, two, three} {
			patterns, err := ignorefile.ReadAll(strings.NewReader(text))
			if err != nil {
				t.Skip()
			}
			lists = append(lists, patterns)
		}
		list := sources(t, lists...)
		for _, s := range list {
			for _, file := range files {
				if _, err := s.matcher.MatchesOrParentMatches(file); err != nil {
					t.Skip() // Some errors show when a path is matched.
				}
			}
		}
		checkCombined(t, dir, list)
	})
}

func TestReadIgnores(t *testing.T) {
	dir := writeContext(t)
	if err := os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte("# comment\nb.txt\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := &model.DockerBuild{
		Context: dir, Dockerfile: filepath.Join(dir, "dir", "Dockerfile"),
		Ignores: []model.IgnoreSet{
			{Base: filepath.Join(dir, "dir"), Patterns: []string{"sub", "!sub/c"}},
			{Base: filepath.Dir(dir), Patterns: []string{"a"}},
			{Base: dir, Patterns: []string{"a"}},
		},
	}
	list, err := readIgnores(build)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, strings.Join(s.patterns, ","))
	}
	if want := []string{".git", "b.txt", "dir/sub,!dir/sub/c", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if err := os.WriteFile(build.Dockerfile+".dockerignore", []byte("[\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readIgnores(build); err == nil {
		t.Error("a bad pattern is no error")
	}
}

func TestArchive(t *testing.T) {
	dir := writeContext(t)
	if err := os.Symlink("a", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := archive(&out, dir, "FROM x", sources(t, []string{"**", "!dir", "!link"}, []string{"dir/sub", "!dir/sub/c"})); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(&out); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Name == "link" && header.Linkname != "a" {
			t.Errorf("%+v", header)
		}
		if header.FileInfo().Mode()&fs.ModeDir == 0 {
			got = append(got, header.Name)
		}
	}
	if want := []string{classicDockerfile, ".dockerignore", "dir/a", "dir/b.txt", "dir/sub/c", "link"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
