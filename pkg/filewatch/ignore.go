// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"

	"tilt.dev/session/pkg/model"
)

// ignores are all ignore sets of a watch. They are not safe for concurrent use.
type ignores []ignoreSet

// ignoreSet is a compiled model.IgnoreSet. Patterns that lead out of the base
// match only paths outside of it, the others only paths inside.
type ignoreSet struct {
	base            string
	inside, outside rules
}

// rules are compiled patterns, relative to one directory.
type rules struct {
	paths *patternmatcher.PatternMatcher
	// pruned matches directories in which everything is ignored, apart from exceptions.
	pruned *patternmatcher.PatternMatcher
	// exceptions are the patterns with "!", split into path elements.
	exceptions [][]string
	// all is true if everything is ignored.
	all bool
}

func newIgnores(sets []model.IgnoreSet) (ignores, error) {
	var all ignores
	for _, set := range sets {
		s, err := newIgnoreSet(set)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func newIgnoreSet(set model.IgnoreSet) (ignoreSet, error) {
	if !filepath.IsAbs(set.Base) {
		return ignoreSet{}, fmt.Errorf("%s: base directory %q of ignore patterns must be an absolute path",
			set.Source, set.Base)
	}
	s := ignoreSet{base: filepath.Clean(set.Base)}
	var inside, outside []string
	for _, text := range set.Patterns {
		in, out, err := translate(s.base, text)
		if err != nil {
			return ignoreSet{}, fmt.Errorf("%s: pattern %q: %w", set.Source, text, err)
		}
		inside, outside = append(inside, in...), append(outside, out...)
	}
	var err error
	if s.inside, err = newRules(inside); err == nil {
		s.outside, err = newRules(outside)
	}
	if err != nil {
		return ignoreSet{}, fmt.Errorf("%s: %w", set.Source, err)
	}
	return s, nil
}

// translate turns a pattern into clean patterns relative to base, for paths
// inside and outside of it. An absolute pattern may apply to both.
func translate(base, text string) (inside, outside []string, err error) {
	pattern, exception := strings.CutPrefix(strings.TrimSpace(text), "!")
	if pattern = strings.TrimSpace(pattern); pattern == "" {
		return nil, nil, nil
	}
	add := func(p string) {
		p = filepath.Clean(p)
		if p == "." {
			p = "**"
		}
		sign := ""
		if exception {
			sign = "!"
		}
		if p == ".." || strings.HasPrefix(p, "../") {
			outside = append(outside, sign+p)
		} else {
			inside = append(inside, sign+p)
		}
	}
	if filepath.IsAbs(pattern) {
		pattern = filepath.Clean(pattern)
		rel, err := filepath.Rel(base, pattern)
		if err != nil {
			return nil, nil, err
		}
		add(rel)
		if pattern = strings.TrimPrefix(pattern, "/"); len(outside) > 0 && pattern != "" {
			add(pattern)
		}
	} else {
		add(pattern)
	}
	return inside, outside, check(strings.TrimPrefix(pattern, "/"))
}

// check returns the error of a pattern, which a matcher returns only when it uses the pattern.
func check(pattern string) error {
	matcher, err := patternmatcher.New([]string{strings.TrimLeft(pattern, "!")})
	if err == nil {
		_, err = matcher.MatchesOrParentMatches("x")
	}
	return err
}

func newRules(patterns []string) (r rules, err error) {
	var pruned []string
	for _, p := range patterns {
		pruned = append(pruned, p)
		if exception, ok := strings.CutPrefix(p, "!"); ok {
			r.exceptions = append(r.exceptions, strings.Split(exception, "/"))
			continue
		}
		r.all = r.all || p == "*" || p == "**"
		for _, everything := range []string{"/*", "/**"} {
			if dir, ok := strings.CutSuffix(p, everything); ok {
				pruned = append(pruned, dir)
			}
		}
	}
	r.all = r.all && len(r.exceptions) == 0
	if r.paths, err = patternmatcher.New(patterns); err != nil {
		return rules{}, err
	}
	r.pruned, err = patternmatcher.New(pruned)
	return r, err
}

// ignored reports whether a path, which is absolute and clean, is ignored.
func (all ignores) ignored(path string) bool {
	for _, s := range all {
		if r, rel := s.rulesFor(path); r.all || !around(rel) && matches(r.paths, rel) {
			return true
		}
	}
	return false
}

// below reports whether everything below a directory is ignored.
func (all ignores) below(dir string) bool {
	for _, s := range all {
		if r, rel := s.rulesFor(dir); r.all || !around(rel) && matches(r.pruned, rel) && !r.mayExcept(rel) {
			return true
		}
	}
	return false
}

// rulesFor returns the rules that apply to a path, and the path relative to them.
func (s ignoreSet) rulesFor(path string) (r rules, rel string) {
	// Of two absolute paths one is always relative to the other.
	rel, _ = filepath.Rel(s.base, path)
	if rel == ".." || strings.HasPrefix(rel, "../") {
		return s.outside, rel
	}
	return s.inside, rel
}

// around reports whether a path is the base or above it. Wildcards don't match such paths.
func around(rel string) bool { return rel == "." || strings.HasSuffix("/"+rel, "/..") }

// mayExcept reports whether an exception could match something in a directory.
func (r rules) mayExcept(dir string) bool {
	parts := strings.Split(dir, "/")
	return slices.ContainsFunc(r.exceptions, func(pattern []string) bool { return mayMatchBelow(pattern, parts) })
}

func mayMatchBelow(pattern, dir []string) bool {
	for i, part := range pattern {
		if i >= len(dir) || strings.Contains(part, "**") {
			return true
		}
		if ok, _ := filepath.Match(part, dir[i]); !ok {
			return false
		}
	}
	return true
}

// matches reports whether patterns match. They were checked, so there is no error.
func matches(m *patternmatcher.PatternMatcher, path string) bool {
	ok, err := m.MatchesOrParentMatches(path)
	return ok && err == nil
}

// temporaries are patterns of files that editors and file systems create for their own use.
var temporaries = []string{
	"4913",                   // Vim tests whether it can create files.
	".*.sw[a-px]", ".*.swpx", // swap files of Vim and nano
	"*~", // backups of Vim, Emacs, gedit and others
	".*.un~",
	".#*", "#*#", // Emacs: locks and unsaved text
	"*___jb_tmp___", "*___jb_old___", ".idea", // JetBrains
	".*.kate-swp",
	".*.kak.??????",
	".goutputstream-??????", // GLib writes a new version beside the file.
	".~lock.*#",             // LibreOffice
	"*-go-tmp-umask",        // The go command tests the umask.
	".DS_Store", "._*",      // macOS
	".nfs????????????????????????", ".fuse_hidden*", // removed files that are still open
}

// temporary reports whether the name of a file or directory matches one.
func temporary(name string) bool {
	for _, pattern := range temporaries {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
