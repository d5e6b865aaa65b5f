// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.starlark.net/starlark"

	"tilt.dev/session/pkg/model"
)

// gitDirectory is where a repository keeps itself. It's a file in a worktree or
// a submodule.
const gitDirectory = ".git"

// gitRepo is a repository on this machine. It can be used as a path.
type gitRepo struct {
	// root is an absolute directory.
	root string
}

var _ starlark.HasAttrs = (*gitRepo)(nil)

// localGitRepo is local_git_repo(path).
func (e *evaluation) localGitRepo(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path localPath
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "paths", "path"), "path", &path); err != nil {
		return nil, err
	}
	root := e.absolute(string(path))
	if _, err := os.Stat(root); err != nil {
		return nil, err
	}
	switch _, err := os.Stat(filepath.Join(root, gitDirectory)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s isn't a valid git repo: it has no %s", root, gitDirectory)
	case err != nil:
		return nil, err
	}
	return &gitRepo{root}, nil
}

// Attr implements starlark.HasAttrs.
func (r *gitRepo) Attr(name string) (starlark.Value, error) {
	if name != "paths" {
		return nil, nil
	}
	return starlark.NewBuiltin("paths", r.paths), nil
}

// AttrNames implements starlark.HasAttrs.
func (r *gitRepo) AttrNames() []string { return []string{"paths"} }

// paths is paths(path): the absolute path of something in the repository.
func (r *gitRepo) paths(_ *starlark.Thread, fn *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path localPath
	if err := starlark.UnpackArgs(fn.Name(), args, alias(kwargs, "paths", "path"), "path", &path); err != nil {
		return nil, err
	}
	return starlark.String(filepath.Join(r.root, string(path))), nil
}

func (r *gitRepo) String() string        { return fmt.Sprintf("[git.Repo] '%s'", r.root) }
func (r *gitRepo) Type() string          { return "git.Repo" }
func (r *gitRepo) Freeze()               {}
func (r *gitRepo) Truth() starlark.Bool  { return true }
func (r *gitRepo) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", r.Type()) }

// gitIgnores excepts what the repositories around some paths keep for
// themselves: git changes it all the time, and nothing is made of it.
func gitIgnores(paths []string) []model.IgnoreSet {
	var ignores []model.IgnoreSet
	seen := map[string]bool{}
	for _, path := range paths {
		for dir := path; !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			if _, err := os.Lstat(filepath.Join(dir, gitDirectory)); err == nil {
				ignores = append(ignores, model.IgnoreSet{Base: dir, Patterns: []string{gitDirectory}, Source: "the git repository"})
			}
		}
	}
	return ignores
}
