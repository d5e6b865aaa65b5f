// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"strings"
	"testing"

	"tilt.dev/session/pkg/model"
)

func TestIgnores(t *testing.T) {
	const base = "/p/[base]"
	for _, test := range []struct {
		patterns string
		ignored  string
		kept     string
	}{
		{"", "", "a ."},
		{"a", "a a/b a/b/c", "b ab b/a ."},
		{"a/b", "a/b a/b/c", "a a/c b"},
		{"*.log", "x.log .log", "d/x.log x.log2"},
		{"**/*.log", "x.log d/x.log d/e/x.log", "x.logs ../x.log"},
		{"**", "a a/b", "../a"},
		{".", "a a/b .", "../a"},
		{"*", "a a/b .", "../a"},
		{"* !a", "b", "a ."},
		{"../*", "../a ../a/b", ". a .."},
		{"*/b", "a/b c/b a/b/c", "b a/c/b"},
		{"a?c", "abc", "ac a/c"},
		{"[ab]", "a b a/x", "c ab"},
		{"/a", "a a/b", "b/a"},
		{"./a/", "a a/b", "b"},
		{" a ", "a", " b"},
		{"a !a/b", "a a/c", "a/b a/b/c"},
		{"a !a/b a/b/c", "a a/c a/b/c a/b/c/d", "a/b a/b/d"},
		{"!a a", "a a/b", "b"},
		{"* !./keep", "a a/b", "keep keep/x"},
		{"**/node_modules !**/node_modules/mine", "node_modules x/node_modules/y", "node_modules/mine x/node_modules/mine/z"},
		{"../q", "../q ../q/r", "q ../r ../../q"},
		{"../q/*.tmp", "../q/a.tmp", "../q/a q/a.tmp"},
		{"../q !../q/a", "../q/b", "../q/a"},
		{base + "/a", "a a/b", "b ../a"},
		{"/p/q", "../q p/q", "q ../r"},
		{`\*`, "*", "a"},
		{"# a", "a #", "b"},
	} {
		all, err := newIgnores([]model.IgnoreSet{{Base: base, Patterns: strings.Split(test.patterns, " "), Source: "test"}})
		if test.patterns == " a " {
			all, err = newIgnores([]model.IgnoreSet{{Base: base, Patterns: []string{" a ", "", " "}, Source: "test"}})
		}
		if err != nil {
			t.Errorf("%q: %v", test.patterns, err)
			continue
		}
		for _, path := range strings.Fields(test.ignored) {
			if !all.ignored(clean(base, path)) {
				t.Errorf("%q: %s isn't ignored", test.patterns, path)
			}
		}
		for _, path := range strings.Fields(test.kept) {
			if all.ignored(clean(base, path)) {
				t.Errorf("%q: %s is ignored", test.patterns, path)
			}
		}
	}
}

func TestBelow(t *testing.T) {
	for _, test := range []struct{ patterns, all, some string }{
		{"a", "a a/b", ". b"},
		{"a/*", "a a/b", ". b"},
		{"a/**", "a a/b", ". b"},
		{"**/a", "a b/a b/a/c", ". b"},
		{"*/*", "a b a/b", "."},
		{"*", "a .", ".."},
		{"* !a", "b", ". a"},
		{"../*", "../a", ". .."},
		{"a/*.log", "", "a"},
		{"a !a/b", "a/c a/bc", "a a/b a/b/c"},
		{"a !a/b/c", "a/c a/b/d", "a a/b a/b/c"},
		{"a !a/*/c", "a/b/d", "a a/b a/b/c"},
		{"a !**/c", "", "a a/b"},
		{"a !b", "a a/b", "b"},
		{"* !a", "b b/c", "a a/b"},
		{"../x !../x/y", "../x/z", "../x ../x/y"},
	} {
		all, err := newIgnores([]model.IgnoreSet{{Base: "/p", Patterns: strings.Split(test.patterns, " ")}})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range strings.Fields(test.all) {
			if !all.below(clean("/p", path)) {
				t.Errorf("%q: not all below %s is ignored", test.patterns, path)
			}
		}
		for _, path := range strings.Fields(test.some) {
			if all.below(clean("/p", path)) {
				t.Errorf("%q: all below %s is ignored", test.patterns, path)
			}
		}
	}
}

// A directory is skipped only if everything in it is ignored.
func FuzzBelow(f *testing.F) {
	f.Add("a\n!a/b", "a", "b")
	f.Add("**/x/**\n!*/x/y", "c/x", "y/z")
	f.Add("/p/a/*\n!/q", "a", "b")
	f.Add("../r\n!../r/[ab]*", "../r", "b")
	f.Fuzz(func(t *testing.T, patterns, dir, name string) {
		all, err := newIgnores([]model.IgnoreSet{{Base: "/p", Patterns: strings.Split(patterns, "\n")}})
		if err != nil || strings.Contains(dir+name, "\x00") {
			return
		}
		dir = clean("/p", dir)
		path := clean(dir, name)
		if !strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") {
			return
		}
		if all.below(dir) && !all.ignored(path) {
			t.Errorf("%q skips %s, but not %s", patterns, dir, path)
		}
	})
}

func clean(base, path string) string {
	p := place{dir: base}
	return p.path(path)
}

func TestTemporary(t *testing.T) {
	for _, name := range strings.Fields("4913 .a.swp .a.swo .a.swx .a.swpx a~ .a.un~ .#a #a# a___jb_tmp___ a___jb_old___ .idea " +
		".a.kate-swp .goutputstream-ABC123 .~lock.a# a-go-tmp-umask .DS_Store ._a .nfs000000000001234500000001 .fuse_hidden0001") {
		if !temporary(name) {
			t.Errorf("%s isn't temporary", name)
		}
	}
	for _, name := range strings.Fields("a 49130 swp a.swp .a.swift .swift #a a# ~a .nfs .env .a idea DS_Store a.tmp __init__.py") {
		if temporary(name) {
			t.Errorf("%s is temporary", name)
		}
	}
}

// What's ignored isn't reported, and costs nothing where it can't matter.
func TestIgnoredFiles(t *testing.T) {
	p := newPlace(t)
	p.write("d/a", "d/out/x/y", "d/part/keep/x", "d/part/drop/x", "d/.git/x", "d/.idea/x", "e/a", "only.txt", "d/back~")
	sets := []model.IgnoreSet{
		{Base: p.path("d"), Patterns: []string{"out", "part", "!part/keep", "*.log"}},
		{Base: p.dir, Patterns: []string{"**/.git", "only.txt"}},
	}
	p.nextTick()
	s := p.start(model.Watch{Paths: []string{p.path("d"), p.path("e"), p.path("only.txt"), p.path("d/back~")}, Ignores: sets})
	s.drop()
	p.w.mu.Lock()
	for _, dir := range strings.Fields("d/out d/out/x d/part/drop d/.git d/.idea") {
		if p.w.directories[p.path(dir)] != nil {
			t.Errorf("%s is watched", dir)
		}
	}
	p.w.mu.Unlock()
	p.write("d/out/x/y", "d/out/new", "d/part/drop/x", "d/part/x", "d/.git/x", "d/a.log", "d/b~", "d/.a.swp", "d/.idea/x", "only.txt", "d/new/.git/x")
	p.remove("d/out")
	p.write("d/out/n/m")
	s.expect("d/new")
	p.write("d/part/keep/x", "d/part/keep/new/y", "e/a.log", "d/back~")
	s.expect("d/part/keep/x", "d/part/keep/new", "d/part/keep/new/y", "e/a.log", "d/back~")
	p.remove("d/part")
	p.write("d/part/keep/x")
	s.expect("d/part/keep", "d/part/keep/x", "d/part/keep/new", "d/part/keep/new/y")
}
