// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tilt.dev/session/pkg/model"
)

const (
	// gitDirectory holds a repository's own files.
	gitDirectory = ".git"
	// ignoreFile has the patterns of a context. After the name of a Dockerfile it is the suffix of that Dockerfile's
	// own file, which takes the place of the context's.
	ignoreFile = ".dockerignore"
)

// addIgnoreFile makes a build ignore what a file with patterns relative to base lists. The file is an input of the
// Tiltfile, even if it is missing.
func (i *Images) addIgnoreFile(b *build, base, path string) (found bool, err error) {
	patterns, err := i.evaluation.ReadPatterns(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if len(patterns) > 0 {
		b.ignores = append(b.ignores, model.IgnoreSet{Base: base, Patterns: patterns, Source: path})
	}
	return true, err
}

// tiltfiles returns the Tiltfiles of a build. A change of them evaluates the Tiltfile again; that shows what has to be
// built.
func (i *Images) tiltfiles(b *build) []string {
	files := []string{i.evaluation.Path}
	if file := b.position.Filename(); file != i.evaluation.Path {
		files = append(files, file)
	}
	return files
}

// fileIgnored ignores one file.
func fileIgnored(path, source string) model.IgnoreSet {
	return model.IgnoreSet{Base: filepath.Dir(path), Patterns: []string{literal(filepath.Base(path))}, Source: source}
}

// onlyPatterns ignore everything but some paths, which are relative to the context. They are nil if the paths don't
// leave anything out.
func onlyPatterns(context string, only []string) []string {
	if len(only) == 0 {
		return nil
	}
	patterns := []string{"**"}
	for _, path := range only {
		relative := filepath.Clean(path)
		if inside, ok := below(context, relative); filepath.IsAbs(relative) && ok {
			relative = inside
		}
		if relative == "." || relative == "/" {
			return nil
		}
		patterns = append(patterns, "!"+literal(strings.TrimPrefix(relative, "/")))
	}
	return patterns
}

// literal returns the pattern that matches only a path.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// isDirectory returns whether a path is a directory that exists.
func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
