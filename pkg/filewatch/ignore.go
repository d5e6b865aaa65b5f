// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package filewatch

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"

	"tilt.dev/session/pkg/model"
)

// ignores are all exceptions of a watch. They're not for concurrent use.
type ignores []ignoreSet

// ignoreSet is one model.IgnoreSet. Patterns that lead out of the base are
// matched against paths outside of it, and the others against those inside.
type ignoreSet struct {
	base            string
	inside, outside rules
}

// rules are patterns that are relative to one directory.
type rules struct {
	paths *patternmatcher.PatternMatcher
	// pruned matches directories in which everything is ignored, as far as no
	// pattern takes something back.
	pruned *patternmatcher.PatternMatcher
	// taken are the parts of the patterns that take back.
	taken [][]string
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
		return ignoreSet{}, fmt.Errorf("%s: ignored paths are relative to %q, which isn't an absolute path", set.Source, set.Base)
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

// translate turns a pattern into clean ones that are relative to base, for what's
// inside and outside of it. An absolute one may mean either.
func translate(base, text string) (inside, outside []string, err error) {
	pattern, back := strings.CutPrefix(strings.TrimSpace(text), "!")
	if pattern = strings.TrimSpace(pattern); pattern == "" {
		return nil, nil, nil
	}
	add := func(p string) {
		p = filepath.Clean(p)
		if p == "." {
			p = "**"
		}
		sign := ""
		if back {
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

// check returns what's wrong with a pattern, which a matcher tells only when it
// comes to use it.
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
		if taken, ok := strings.CutPrefix(p, "!"); ok {
			r.taken = append(r.taken, strings.Split(taken, "/"))
			continue
		}
		r.all = r.all || p == "*" || p == "**"
		for _, everything := range []string{"/*", "/**"} {
			if dir, ok := strings.CutSuffix(p, everything); ok {
				pruned = append(pruned, dir)
			}
		}
	}
	r.all = r.all && len(r.taken) == 0
	if r.paths, err = patternmatcher.New(patterns); err != nil {
		return rules{}, err
	}
	r.pruned, err = patternmatcher.New(pruned)
	return r, err
}

// ignored says whether a path, which is absolute and clean, is ignored.
func (all ignores) ignored(path string) bool {
	for _, s := range all {
		if r, rel := s.rulesFor(path); r.all || !around(rel) && matches(r.paths, rel) {
			return true
		}
	}
	return false
}

// below says whether everything below a directory is ignored.
func (all ignores) below(dir string) bool {
	for _, s := range all {
		if r, rel := s.rulesFor(dir); r.all || !around(rel) && matches(r.pruned, rel) && !r.mayTakeBack(rel) {
			return true
		}
	}
	return false
}

// rulesFor returns the patterns that apply to a path, and how they see it.
func (s ignoreSet) rulesFor(path string) (r rules, rel string) {
	// Of two absolute paths one is always relative to the other.
	rel, _ = filepath.Rel(s.base, path)
	if rel == ".." || strings.HasPrefix(rel, "../") {
		return s.outside, rel
	}
	return s.inside, rel
}

// around says whether a path is the base or above it, which wildcards aren't
// meant for.
func around(rel string) bool { return rel == "." || strings.HasSuffix("/"+rel, "/..") }

// mayTakeBack says whether a pattern could match something in a directory.
func (r rules) mayTakeBack(dir string) bool {
	parts := strings.Split(dir, "/")
	for _, pattern := range r.taken {
		if mayMatchBelow(pattern, parts) {
			return true
		}
	}
	return false
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

// matches says whether patterns that were checked match.
func matches(m *patternmatcher.PatternMatcher, path string) bool {
	ok, err := m.MatchesOrParentMatches(path)
	return ok && err == nil
}
