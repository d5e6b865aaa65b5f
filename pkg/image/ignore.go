// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"tilt.dev/session/pkg/model"
)

// source is one list of ignore patterns, relative to the context. The last pattern that matches a path decides.
type source struct {
	patterns []string
	matcher  *patternmatcher.PatternMatcher
}

// ignores are sources that each ignore: a "!" of one doesn't bring back what another one ignores.
type ignores []source

// readIgnores returns the sources of a build: the repository's own files, the ignore file of the Dockerfile or else
// of the context, and the patterns of the Tiltfile.
func readIgnores(build *model.DockerBuild) (ignores, error) {
	sets := []model.IgnoreSet{{Base: build.Context, Patterns: []string{".git"}}}
	names := []string{filepath.Join(build.Context, ".dockerignore")}
	if build.Dockerfile != "" {
		names = slices.Insert(names, 0, build.Dockerfile+".dockerignore")
	}
	for _, name := range names {
		patterns, err := readIgnoreFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read ignore file: %w", err)
		}
		sets = append(sets, model.IgnoreSet{Base: build.Context, Patterns: patterns, Source: name})
		break
	}
	var list ignores
	for _, set := range slices.Concat(sets, build.Ignores) {
		s, err := newSource(rebase(set, build.Context))
		if err != nil {
			return nil, fmt.Errorf("ignore patterns of %s: %w", set.Source, err)
		}
		if len(s.patterns) > 0 {
			list = append(list, s)
		}
	}
	return list, nil
}

func readIgnoreFile(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ignorefile.ReadAll(f)
}

func newSource(patterns []string) (source, error) {
	matcher, err := patternmatcher.New(patterns)
	return source{patterns, matcher}, err
}

// rebase returns the patterns of a set relative to the context. Those of a directory outside of it don't count.
func rebase(set model.IgnoreSet, context string) []string {
	below, err := filepath.Rel(context, set.Base)
	if err != nil || below == ".." || strings.HasPrefix(below, "../") {
		return nil
	}
	if below == "." {
		return set.Patterns
	}
	var patterns []string
	for _, pattern := range set.Patterns {
		rest, negated := strings.CutPrefix(pattern, "!")
		pattern = escapePath(below) + "/" + strings.TrimPrefix(rest, "/")
		if negated {
			pattern = "!" + pattern
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}

// ignored reports whether a path, relative to the context, isn't sent.
func (list ignores) ignored(path string) (bool, error) {
	for _, s := range list {
		if matched, err := s.matcher.MatchesOrParentMatches(path); matched || err != nil {
			return matched, err
		}
	}
	return false, nil
}

// combine returns the lines of one ignore file that ignores in a directory what any source ignores. It has the
// sources as they are, one with exceptions first. Others with exceptions become the paths that they ignore now.
func (list ignores) combine(context string) ([]string, error) {
	var first, rest []string
	for _, s := range list {
		switch {
		case !s.matcher.Exclusions():
			rest = append(rest, s.patterns...)
		case first == nil:
			first = s.patterns
		default:
			paths, err := s.paths(context)
			if err != nil {
				return nil, err
			}
			rest = append(rest, paths...)
		}
	}
	patterns := slices.Concat(first, rest)
	for i, pattern := range patterns {
		if strings.HasPrefix(strings.TrimSpace(pattern), "#") {
			patterns[i] = `\` + strings.TrimSpace(pattern) // It would be a comment.
		}
	}
	return patterns, nil
}

// paths returns patterns of the paths in a directory that the source ignores. A directory of which nothing is left is
// one pattern.
func (s source) paths(root string) ([]string, error) {
	var visit func(dir string) (patterns []string, all bool, err error)
	visit = func(dir string) (patterns []string, all bool, err error) {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return nil, false, fmt.Errorf("read build context: %w", err)
		}
		all = true
		for _, entry := range entries {
			path := filepath.Join(dir, entry.Name())
			ignored, err := s.matcher.MatchesOrParentMatches(path)
			if err != nil {
				return nil, false, fmt.Errorf("match ignore patterns: %w", err)
			}
			var below []string
			if entry.IsDir() && (!ignored || s.excepts(path)) {
				var whole bool
				if below, whole, err = visit(path); err != nil {
					return nil, false, err
				}
				ignored = ignored && whole
			}
			if ignored {
				patterns = append(patterns, escapePath(path))
			} else {
				patterns = append(patterns, below...)
				all = false
			}
		}
		return patterns, all, nil
	}
	patterns, _, err := visit("")
	return patterns, err
}

// excepts reports whether an exception may be below a directory that the source ignores.
func (s source) excepts(dir string) bool {
	for _, pattern := range s.matcher.Patterns() {
		if pattern.Exclusion() && (strings.ContainsAny(pattern.String(), `*?[\`) ||
			strings.HasPrefix(strings.TrimPrefix(pattern.String(), "/"), dir+"/")) {
			return true
		}
	}
	return false
}

// escapePath returns a pattern that matches a path. Characters that an ignore file can't have match any one.
func escapePath(path string) string {
	var out strings.Builder
	last := len(path) - 1
	for i, r := range path {
		switch {
		case r == '\n' || r == '\r' || r == '\ufeff', strings.ContainsRune(" \t\v\f\u0085\u00a0", r) && (i == 0 || i == last):
			out.WriteByte('?')
			continue
		case strings.ContainsRune(`*?[]\^`, r), (r == '!' || r == '#') && i == 0:
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}
