// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package builtins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/data"
)

// Files returns the builtins for files, directories and their paths.
func (e *Evaluation) Files() Library {
	return Functions(map[string]Function{
		"listdir":          Unpacking(e.listdir),
		"local_git_repo":   Unpacking(e.localGitRepo),
		"os.path.abspath":  pathText(e.join),
		"os.path.basename": pathText(filepath.Base),
		"os.path.dirname":  pathText(filepath.Dir),
		"os.path.exists":   Unpacking(e.exists),
		"os.path.join":     joinPath,
		"os.path.realpath": Unpacking(e.realpath),
		"os.path.relpath":  Unpacking(e.relpath),
		"read_file":        Unpacking(e.readFile),
		"watch_settings":   Unpacking(e.watchSettings),
		"watch_file":       Unpacking(e.watchFile),
	})
}

// readFile is read_file(path, default=None).
func (e *Evaluation) readFile(a struct {
	Path    Path           `arg:"path,alias=paths"`
	Default starlark.Value `arg:"default??"`
}) (starlark.Value, error) {
	def, ok := data.Blob(""), a.Default != nil
	if ok {
		if err := (*Text)(&def).Unpack(a.Default); err != nil {
			return nil, fmt.Errorf("for parameter \"default\": %w", err)
		}
	}
	content, err := e.ReadData(e.Absolute(string(a.Path)))
	switch {
	case errors.Is(err, fs.ErrNotExist) && ok:
		return def, nil
	case err != nil:
		return nil, err
	}
	return data.Blob(content), nil
}

// watchFile is watch_file(path): the file, or everything below the directory, becomes an input. It needn't exist.
func (e *Evaluation) watchFile(a OnePath) (starlark.Value, error) {
	e.AddInput(e.Absolute(string(a.Path)))
	return nil, nil
}

// maxListed limits the entries that listdir visits.
const maxListed = 1_000_000

// listdir is listdir(dir, recursive=False): the absolute paths of the files in a directory, or of all files below it,
// in order. A missing directory has none. Only a recursive listing becomes an input.
func (e *Evaluation) listdir(a struct {
	Dir       Path `arg:"dir"`
	Recursive bool `arg:"recursive??"`
}) (starlark.Value, error) {
	root := e.Absolute(string(a.Dir))
	if a.Recursive {
		e.AddInput(root)
	}
	var files []starlark.Value
	entries := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		entries++
		switch {
		case e.Context.Err() != nil:
			return context.Cause(e.Context)
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entries > maxListed:
			return fmt.Errorf("%s has more than %d entries", root, maxListed)
		case path == root:
			return nil
		case !entry.IsDir():
			files = append(files, starlark.String(path))
		case !a.Recursive:
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return starlark.NewList(files), nil
}

// gitDirectory holds a repository's own files. It is a file in a worktree or a submodule.
const gitDirectory = ".git"

// gitRepo is a repository on this machine, a value with the function paths. It can be used as a path. Its text is the
// absolute directory.
type gitRepo string

var _ starlark.HasAttrs = gitRepo("")

func (r gitRepo) String() string        { return fmt.Sprintf("[git.Repo] '%s'", string(r)) }
func (r gitRepo) Type() string          { return "git.Repo" }
func (r gitRepo) Freeze()               {}
func (r gitRepo) Truth() starlark.Bool  { return true }
func (r gitRepo) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", r.Type()) }
func (r gitRepo) AttrNames() []string   { return []string{"paths"} }

// Attr implements starlark.HasAttrs. The function paths(path) returns the absolute path of a file in the repository.
func (r gitRepo) Attr(name string) (starlark.Value, error) {
	if name != "paths" {
		return nil, nil
	}
	return builtin(name, Unpacking(func(a OnePath) (starlark.Value, error) {
		return starlark.String(filepath.Join(string(r), string(a.Path))), nil
	})), nil
}

// localGitRepo is local_git_repo(path).
func (e *Evaluation) localGitRepo(a OnePath) (starlark.Value, error) {
	root := e.Absolute(string(a.Path))
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	switch _, err := os.Stat(filepath.Join(root, gitDirectory)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s isn't a valid git repo: it has no %s", root, gitDirectory)
	case err != nil:
		return nil, err
	}
	return gitRepo(root), nil
}

// pathString has the parameter of those functions that take one path.
type pathString struct {
	Path string `arg:"path"`
}

// pathText returns the function that turns a path into another text, such as os.path.dirname(path).
func pathText(f func(path string) string) Function {
	return Unpacking(func(a pathString) (starlark.Value, error) { return starlark.String(f(a.Path)), nil })
}

// exists is os.path.exists(path). A broken symbolic link doesn't exist.
func (e *Evaluation) exists(a pathString) (starlark.Value, error) {
	_, err := os.Stat(e.join(a.Path))
	return starlark.Bool(err == nil), nil
}

// realpath is os.path.realpath(path), for a path that exists.
func (e *Evaluation) realpath(a pathString) (starlark.Value, error) {
	path, err := filepath.EvalSymlinks(e.join(a.Path))
	return starlark.String(path), err
}

// relpath is os.path.relpath(targpath, basepath=os.getcwd()).
func (e *Evaluation) relpath(a struct {
	Target string `arg:"targpath"`
	Base   string `arg:"basepath??"`
}) (starlark.Value, error) {
	relative, err := filepath.Rel(e.Absolute(a.Base), e.Absolute(a.Target))
	return starlark.String(relative), err
}

// joinPath is os.path.join(path, *paths).
func joinPath(c *Call) (starlark.Value, error) {
	if len(c.Kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword arguments", c.Name)
	}
	parts := make([]string, len(c.Args))
	for i, arg := range c.Args {
		part, ok := starlark.AsString(arg)
		if !ok {
			return nil, fmt.Errorf("%s: got %s, want string", c.Name, arg.Type())
		}
		parts[i] = part
	}
	return starlark.String(filepath.Join(parts...)), nil
}

// ignoreFile is the name of the file next to the main Tiltfile with patterns of files whose changes don't matter.
const ignoreFile = ".tiltignore"

// watchSettings is watch_settings(ignore=[]). Calls add up.
func (e *Evaluation) watchSettings(a struct {
	Ignore PatternList `arg:"ignore??"`
}) (starlark.Value, error) {
	e.ignore(e.Directory(), a.Ignore, "watch_settings()")
	return nil, nil
}

func (e *Evaluation) ignore(base string, patterns []string, source string) {
	if len(patterns) > 0 {
		e.Ignores = append(e.Ignores, model.IgnoreSet{Base: base, Patterns: patterns, Source: source})
	}
}

// ReadIgnoreFile reads the .tiltignore, which is an input even if it is missing.
func (e *Evaluation) ReadIgnoreFile() error {
	path := filepath.Join(e.MainDirectory(), ignoreFile)
	patterns, err := e.ReadPatterns(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	e.ignore(e.MainDirectory(), patterns, path)
	return err
}

// ReadPatterns returns the patterns of a file in dockerignore syntax. The absolute path becomes an input, even of a
// missing file.
func (e *Evaluation) ReadPatterns(path string) ([]string, error) {
	content, err := e.ReadSource(path)
	var patterns []string
	if err == nil {
		patterns, err = ignorefile.ReadAll(bytes.NewReader(content))
	}
	if err == nil {
		err = checkPatterns(patterns)
	}
	if err != nil {
		return nil, fmt.Errorf("error reading %s: %w", path, err)
	}
	return patterns, nil
}

// IgnoreSets returns what the Tiltfile ignores, and the files of the git repositories around the watched paths: git
// changes these all the time.
func (e *Evaluation) IgnoreSets(watched []string) []model.IgnoreSet {
	sets := append([]model.IgnoreSet(nil), e.Ignores...)
	seen := map[string]bool{}
	for _, path := range watched {
		for dir := path; !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			if _, err := os.Lstat(filepath.Join(dir, gitDirectory)); err == nil {
				patterns := []string{gitDirectory}
				sets = append(sets, model.IgnoreSet{Base: dir, Patterns: patterns, Source: "the git repository"})
			}
		}
	}
	return sets
}

// PatternList is a pattern in dockerignore syntax or a list of patterns.
type PatternList []string

// Unpack implements starlark.Unpacker.
func (l *PatternList) Unpack(v starlark.Value) error {
	if err := (*StringList)(l).Unpack(v); err != nil {
		return err
	}
	return checkPatterns(*l)
}

// checkPatterns returns an error that names the first invalid pattern.
func checkPatterns(patterns []string) error {
	for _, pattern := range patterns {
		matcher, err := patternmatcher.New([]string{pattern})
		if err == nil {
			// Some faults are found at the first use only.
			_, err = matcher.MatchesOrParentMatches("file")
		}
		if err != nil {
			return fmt.Errorf("invalid pattern %q: %w", pattern, err)
		}
	}
	return nil
}
